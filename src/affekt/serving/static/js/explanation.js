/** The switch that shows what decided, and how far to trust it, in words. */

import { explain } from "./api.js";
import { announce, byId } from "./dom.js";
import { regionsTable } from "./tables.js";
import { percent, spoken } from "./words.js";

/** @type {Record<string, string>} */
const METHODS = {
  attention: "where the network looks",
  hirescam: "the cells of its last layer that raise the score",
  gradcam: "the channels of its last layer that raise the score",
  occlusion: "what the score loses when patches are silenced",
};

export class Explanation {
  /** @type {WeakMap<object, any>} */
  #known = new WeakMap();
  /** @type {import("./recordings.js").Recording | null} */
  #recording = null;
  #stop = new AbortController();

  /** @param {(explanation: any | null) => void} shown */
  constructor(shown) {
    this.shown = shown;
    this.button = byId("explain");
    this.note = byId("explain-note");
    this.button.addEventListener("click", () => this.#set(!this.on));
  }

  get on() {
    return this.button.getAttribute("aria-checked") === "true";
  }

  /** Starts anew with another recording; the switch stays as it was. */
  start(/** @type {import("./recordings.js").Recording} */ recording) {
    this.#recording = recording;
    this.#set(this.on);
  }

  async #set(/** @type {boolean} */ on) {
    this.button.setAttribute("aria-checked", String(on));
    this.#stop.abort();
    this.#show(null);
    this.note.textContent = "";
    const recording = this.#recording;
    if (!on || !recording) return;
    const stop = (this.#stop = new AbortController());
    this.button.setAttribute("aria-busy", "true");
    this.note.textContent = "Finding what decided; long recordings take a while…";
    try {
      const known = this.#known.get(recording.result) ?? (await explain(recording.file, recording.model, stop.signal));
      if (stop.signal.aborted) return;
      if (!known.map) throw new Error(known.message);
      this.#known.set(recording.result, known);
      this.note.textContent = inWords(known);
      this.#show(known);
      announce("The picture now shows what decided.");
    } catch (error) {
      if (stop.signal.aborted) return;
      this.button.setAttribute("aria-checked", "false");
      this.note.textContent = `No picture of what decided: ${/** @type {Error} */ (error).message}`;
    } finally {
      if (stop === this.#stop) this.button.removeAttribute("aria-busy");
    }
  }

  #show(/** @type {any | null} */ explanation) {
    byId("regions").hidden = !explanation;
    byId("regions-table").replaceChildren(...(explanation ? [regionsTable(explanation)] : []));
    this.shown(explanation);
  }
}

/**
 * How the map was made, and whether it is better than chance.
 * @param {any} explanation
 * @returns {string}
 */
export function inWords({ emotion, method, sanity }) {
  const made = `Bright is what speaks for ${spoken(emotion)} (${METHODS[method] ?? method}); the tenth that speaks most is outlined.`;
  const deletion = sanity?.deletion;
  if (!deletion) return made;
  const points = (/** @type {number} */ share) => `${Math.round(100 * share)} points`;
  const tried = `Silencing that ${percent(deletion.share)} takes ${points(deletion.drop)} off the score, silencing as much elsewhere ${points(deletion.random_drop)} on average.`;
  const found = deletion.drop > deletion.random_drop + 2 * deletion.random_sd;
  return `${made} ${tried} ${found ? "So the map has found what decided." : "That is hardly more than chance: do not read much into this map."}`;
}
