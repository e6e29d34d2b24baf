/** Results as files to keep: JSON, CSV, WebVTT. */

const COLUMNS = ["file", "start", "end", "emotion", "confidence", "status", "error", "message"];

/**
 * Offers a file to keep.
 * @param {Blob} blob
 * @param {string} name
 */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/**
 * @param {string} model
 * @param {any[]} results
 * @returns {Blob}
 */
export function toJson(model, results) {
  return new Blob([`${JSON.stringify({ model, results }, null, 1)}\n`], { type: "application/json" });
}

/**
 * A row for each recording, with the columns of `affekt predict`.
 * @param {any[]} results
 * @returns {Blob}
 */
export function toCsv(results) {
  return table(COLUMNS, results.map((result) => COLUMNS.map((column) => result[column])));
}

/**
 * A row for each window of a recording.
 * @param {any} result
 * @param {import("./timeline.js").Window[]} windows
 * @param {string[]} labels
 * @returns {Blob}
 */
export function windowsToCsv(result, windows, labels) {
  const columns = ["file", "start", "end", "emotion", "confidence", ...labels.map((label) => `score_${label}`)];
  const rows = windows.map(({ start, end, emotion, confidence, scores }) =>
    [result.file, start, end, emotion, confidence, ...labels.map((label) => scores?.[label])]);
  return table(columns, rows);
}

/**
 * Subtitles: a cue for each stretch, as `affekt predict --format vtt` writes them.
 * @param {import("./timeline.js").Window[]} segments
 * @returns {Blob}
 */
export function toVtt(segments) {
  const cues = segments.map(({ start, end, emotion, confidence }) => {
    // A label is a model's word, and may hold what would end a cue.
    const word = emotion.replace(/\s+/g, " ").trim().replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
    return `${stamp(start)} --> ${stamp(end)}\n${word}${confidence === null ? "" : ` ${Math.round(100 * confidence)}%`}\n`;
  });
  return new Blob([["WEBVTT\n", ...cues].join("\n")], { type: "text/vtt" });
}

/** @param {number} seconds */
function stamp(seconds) {
  const whole = Math.round(seconds * 1000);
  const part = (/** @type {number} */ size, /** @type {number} */ most) => String(Math.floor(whole / size) % most).padStart(2, "0");
  return `${part(3_600_000, 1e6)}:${part(60_000, 60)}:${part(1000, 60)}.${String(whole % 1000).padStart(3, "0")}`;
}

/**
 * @param {string[]} columns
 * @param {unknown[][]} rows
 */
function table(columns, rows) {
  return new Blob([[columns, ...rows].map((row) => `${row.map(cell).join(",")}\n`).join("")], { type: "text/csv" });
}

/** @param {unknown} value */
function cell(value) {
  if (value === null || value === undefined) return "";
  // Spreadsheets run text that begins like this as a formula, and names come from strangers.
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
