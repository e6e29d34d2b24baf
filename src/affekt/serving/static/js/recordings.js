/** The recordings that were given, one after the other: sent, heard, and listed in a table that can be sorted. */

import { predict } from "./api.js";
import { announce, byId, make } from "./dom.js";
import { NO_SPEECH } from "./emotions.js";
import { named } from "./scores.js";
import { isSilent } from "./timeline.js";
import { length, percent, spoken } from "./words.js";

/**
 * @typedef {object} Recording
 * @property {number} number in the order in which it came
 * @property {File} file
 * @property {string} model
 * @property {"waits" | "is heard" | "done" | "failed"} state
 * @property {string} message what went wrong, in plain words; or what it waits for
 * @property {any | null} result
 */

/** @type {Array<{name: string, value: (recording: Recording) => string | number}>} */
const COLUMNS = [
  { name: "file", value: ({ file }) => file.name.toLowerCase() },
  { name: "length", value: ({ result }) => result?.end ?? -1 },
  { name: "emotion", value: ({ result }) => result?.emotion ?? "~" },
  { name: "score", value: ({ result }) => result?.confidence ?? -1 },
  { name: "state", value: ({ state }) => state },
];

export class Recordings {
  /** @type {Recording[]} */
  all = [];
  /** @type {Recording | null} */
  selected = null;
  #busy = false;
  #count = 0;
  #sorted = { column: "", down: false };
  #stop = new AbortController();
  /** What was shown before all were sent again. @type {File | undefined} */
  #wanted;

  /**
   * @param {{model: () => string, selected: (recording: Recording | null) => void}} told
   */
  constructor({ model, selected }) {
    this.model = model;
    this.told = selected;
    byId("recordings-head").replaceChildren(...COLUMNS.map(({ name }) => this.#header(name)));
    byId("clear").addEventListener("click", () => this.clear());
  }

  /** Those with a result, in the order of the table. */
  get results() {
    return this.#inOrder().filter(({ result }) => result).map(({ result }) => result);
  }

  /** @param {Iterable<File>} files */
  add(files) {
    const model = this.model();
    for (const file of files) {
      this.all.push({ number: this.#count++, file, model, state: "waits", message: "", result: null });
    }
    this.#list();
    this.#work();
  }

  /** Sends all of them again, with another model. */
  again() {
    if (!this.all.length) return;
    const files = this.all.map(({ file }) => file);
    const wanted = this.selected?.file;
    this.clear();
    this.#wanted = wanted;
    this.add(files);
  }

  clear() {
    this.#stop.abort();
    this.#stop = new AbortController();
    this.all = [];
    this.select(null);
    this.#list();
  }

  /** @param {Recording | null} recording */
  select(recording) {
    this.selected = recording;
    this.#list();
    this.told(recording);
  }

  async #work() {
    if (this.#busy) return;
    this.#busy = true;
    for (;;) {
      const next = this.all.find(({ state }) => state === "waits");
      if (!next) break;
      await this.#hear(next, this.#stop.signal);
    }
    this.#busy = false;
  }

  /**
   * @param {Recording} recording
   * @param {AbortSignal} signal
   */
  async #hear(recording, signal) {
    const waiting = (/** @type {number} */ seconds) => {
      recording.message = `the server is busy; trying again in ${seconds} s`;
      this.#list();
    };
    recording.state = "is heard";
    this.#list();
    try {
      if (!recording.file.size) throw new Error("The file is empty.");
      recording.result = await predict(recording.file, recording.model, { signal, waiting });
      recording.message = recording.result.error ? inWords(recording) : "";
    } catch (error) {
      if (signal.aborted) return;
      recording.result = failed(recording.file, /** @type {Error} */ (error));
      recording.message = /** @type {Error} */ (error).message;
    }
    recording.state = recording.result.error ? "failed" : "done";
    if (recording.state === "failed") announce(`${recording.file.name}: ${recording.message}`);
    const shown = !this.selected || recording.file === this.#wanted;
    if (shown && recording.state === "done") this.select(recording);
    else this.#list();
  }

  #inOrder() {
    const { column, down } = this.#sorted;
    const value = COLUMNS.find(({ name }) => name === column)?.value ?? (({ number }) => number);
    const sorted = [...this.all].sort((one, other) => {
      const [left, right] = [value(one), value(other)];
      return left < right ? -1 : left > right ? 1 : one.number - other.number;
    });
    return down ? sorted.reverse() : sorted;
  }

  #list() {
    const alone = this.all.length === 1 && this.all[0].state === "done";
    byId("recordings").hidden = !this.all.length || alone;
    document.body.classList.toggle("has-recordings", this.all.length > 0);
    // A row that has the focus is made anew; the focus goes to the new one.
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.number;
    byId("recordings-body").replaceChildren(...this.#inOrder().map((recording) => this.#row(recording)));
    if (focused) /** @type {HTMLElement | null} */ (document.querySelector(`[data-number="${Number(focused)}"]`))?.focus();
  }

  /** @param {Recording} recording */
  #row(recording) {
    const { file, result, state, message, number } = recording;
    const chosen = recording === this.selected;
    const title = make("button", { type: "button", class: "file-name", "data-number": number, disabled: state !== "done" }, file.name);
    if (chosen) title.setAttribute("aria-current", "true");
    title.addEventListener("click", () => this.select(recording));
    const said = state === "failed" || message ? message : state === "done" ? (caution(result) || "done") : state;
    const row = make("tr", { class: `${state.replace(" ", "-")}${chosen ? " chosen" : ""}` });
    row.append(make("th", { scope: "row" }, title));
    if (state === "failed") {
      row.append(make("td", { colspan: COLUMNS.length - 1 }, make("span", { class: "failure" }, said)));
      return row;
    }
    row.append(
      make("td", {}, result ? length(result.end) : ""),
      make("td", {}, result ? named(isSilent(result) ? NO_SPEECH : result.emotion) : ""),
      make("td", {}, result && !isSilent(result) ? percent(result.confidence) : ""),
      make("td", {}, said),
    );
    row.addEventListener("click", () => {
      if (state === "done" && !chosen) this.select(recording);
    });
    return row;
  }

  /** @param {string} name */
  #header(name) {
    const button = make("button", { type: "button", class: "sort" }, name);
    const cell = make("th", { scope: "col" }, button);
    button.addEventListener("click", () => {
      this.#sorted = { column: name, down: this.#sorted.column === name && !this.#sorted.down };
      for (const other of byId("recordings-head").children) other.removeAttribute("aria-sort");
      cell.setAttribute("aria-sort", this.#sorted.down ? "descending" : "ascending");
      this.#list();
    });
    return cell;
  }
}

/**
 * The result of a recording that the server did not answer, as it would have said it.
 * @param {File} file
 * @param {Error} error
 */
function failed(file, error) {
  const nothing = { start: 0, end: null, emotion: null, confidence: null, scores: null, timeline: null };
  return { file: file.name, ...nothing, status: "error:refused", error: "refused", message: error.message };
}

/** What went wrong, without the name that stands in the row already. */
function inWords(/** @type {Recording} */ { file, result }) {
  const { message, error } = result;
  const words = message?.startsWith(`${file.name}: `) ? message.slice(file.name.length + 2) : message;
  return words ? words[0].toUpperCase() + words.slice(1) : `This recording cannot be used (${error}).`;
}

/** @type {Record<string, string>} */
const CAUTIONS = {
  short: "very short: less sure",
  truncated: "the file ends early: heard as far as it goes",
  silent: "hardly any sound: less sure",
  clipped: "overloaded: less sure",
  cancelled: "its channels cancel each other out: less sure",
};

/**
 * What makes a result less sure, in plain words; "" for nothing.
 * @param {any} result
 * @returns {string}
 */
export function caution(result) {
  if (!result?.status?.startsWith("warning:")) return "";
  const codes = result.status.slice("warning:".length).split("+");
  return codes.map((/** @type {string} */ code) => CAUTIONS[code] ?? spoken(code)).join("; ");
}
