/** What the canvases show, as tables. */

import { make } from "./dom.js";
import { named } from "./scores.js";
import { clock, percent, pitch, spoken } from "./words.js";

const MOST_ROWS = 1000;

/**
 * @param {string} caption
 * @param {string[]} columns
 * @param {Array<Array<Node | string>>} rows
 * @returns {HTMLElement} a table in a box that scrolls by itself
 */
function table(caption, columns, rows) {
  const head = make("tr", {}, ...columns.map((column) => make("th", { scope: "col" }, column)));
  const body = rows.slice(0, MOST_ROWS).map((row) => make("tr", {}, ...row.map((value) => make("td", {}, value))));
  const left = rows.length - MOST_ROWS;
  const said = left > 0 ? `${caption}: the first ${MOST_ROWS}; the CSV file holds the other ${left}` : caption;
  return make(
    "div",
    { class: "scrolls", role: "group", "aria-label": caption, tabindex: 0 },
    make("table", { class: "numbers" }, make("caption", {}, said), make("thead", {}, head), make("tbody", {}, ...body)),
  );
}

/**
 * @param {import("./timeline.js").Window[]} segments
 * @returns {HTMLElement}
 */
export function segmentsTable(segments) {
  const rows = segments.map(({ start, end, emotion, confidence }) =>
    [clock(start), clock(end), named(emotion), confidence === null ? "–" : percent(confidence)]);
  return table("Stretches of one emotion", ["from", "to", "emotion", "score"], rows);
}

/**
 * @param {import("./timeline.js").Window[]} windows
 * @param {string[]} labels
 * @param {(from: number, to: number) => ({level: number, hertz: number} | null)} measured
 * @returns {HTMLElement}
 */
export function windowsTable(windows, labels, measured) {
  const rows = windows.slice(0, MOST_ROWS + 1).map(({ start, end, emotion, scores }) => {
    const sound = measured(start, end);
    return [
      clock(start), clock(end), named(emotion),
      ...labels.map((label) => (scores?.[label] === undefined ? "–" : percent(scores[label]))),
      sound ? `${sound.level.toFixed(0)} dB` : "–", sound ? pitch(sound.hertz) : "–",
    ];
  });
  const columns = ["from", "to", "emotion", ...labels.map(spoken), "loudest", "strongest at"];
  return table("Every window: scores, level and strongest frequency", columns, [...rows, ...windows.slice(rows.length).map(() => [])]);
}

/**
 * @param {any} explanation
 * @returns {HTMLElement}
 */
export function regionsTable({ regions, emotion }) {
  const rows = regions.map((/** @type {any} */ region) => [
    clock(region.start), clock(region.end), pitch(region.low_hz), pitch(region.high_hz), percent(region.share),
  ]);
  return table(`Regions that speak for ${spoken(emotion)}`, ["from", "to", "lowest", "highest", "share"], rows);
}
