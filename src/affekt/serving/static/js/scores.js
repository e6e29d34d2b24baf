/** The scores of all emotions as bars, with a mark for the whole recording. */

import { NO_SPEECH, look, inkOn } from "./emotions.js";
import { make } from "./dom.js";
import { percent, spoken } from "./words.js";

/**
 * A swatch with the sign of an emotion; its name stands beside it.
 * @param {string} label
 * @returns {HTMLElement}
 */
function swatch(label) {
  const { colour, sign, pattern } = look(label);
  const element = make("span", { class: `swatch ${pattern}`, "aria-hidden": "true" }, make("b", {}, sign));
  element.style.setProperty("--tone", colour);
  element.style.setProperty("--on-tone", inkOn(colour));
  return element;
}

/**
 * An emotion with its swatch.
 * @param {string} label
 * @returns {HTMLElement}
 */
export function named(label) {
  return make("span", { class: "named" }, swatch(label), make("span", {}, spoken(label)));
}

export class Scores {
  /** @type {Map<string, {bar: HTMLElement, mark: HTMLElement, number: HTMLElement, row: HTMLElement}>} */
  #rows = new Map();

  /** @param {HTMLElement} list an empty ul */
  constructor(list) {
    this.list = list;
  }

  /**
   * Makes a row for each label.
   * @param {string[]} labels
   * @param {Record<string, number> | null} marks scores of the whole recording
   */
  start(labels, marks = null) {
    this.#rows.clear();
    this.list.replaceChildren(
      ...labels.map((label) => {
        const bar = make("span", { class: "bar" });
        bar.style.setProperty("--tone", look(label).colour);
        const mark = make("span", { class: "mark", hidden: !marks });
        if (marks) mark.style.setProperty("--share", String(marks[label]));
        const number = make("span", { class: "number" });
        const track = make("span", { class: "track", "aria-hidden": "true" }, bar, mark);
        const row = make("li", {}, named(label), track, number);
        this.#rows.set(label, { bar, mark, number, row });
        return row;
      }),
    );
  }

  /**
   * @param {Record<string, number> | null} scores none where nobody speaks
   * @param {string | null} emotion the one that leads
   */
  show(scores, emotion) {
    for (const [label, { bar, number, row }] of this.#rows) {
      const score = scores?.[label];
      bar.style.setProperty("--share", String(score ?? 0));
      number.textContent = score === undefined ? "–" : percent(score);
      row.classList.toggle("leads", label === emotion && emotion !== NO_SPEECH);
    }
  }
}
