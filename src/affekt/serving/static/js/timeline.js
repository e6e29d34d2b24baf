/** A timeline as the server sends it, asked for a time. */

import { NO_SPEECH } from "./emotions.js";

/**
 * @typedef {object} Window
 * @property {number} start
 * @property {number} end
 * @property {string} emotion
 * @property {number | null} confidence
 * @property {Record<string, number> | null} scores
 */

/**
 * Whether nobody speaks in a recording, so that its scores say nothing.
 * @param {any} result
 * @returns {boolean}
 */
export function isSilent(result) {
  return (result?.timeline?.summary?.shares?.[NO_SPEECH] ?? 0) > 0.995;
}

export class Timeline {
  /** @param {any} result of a recording; without a timeline the whole of it is one window */
  constructor(result) {
    const { start, end, emotion, confidence, scores } = result;
    const whole = [{ start, end, emotion, confidence, scores }];
    /** @type {Window[]} */
    this.windows = result.timeline?.windows?.length ? result.timeline.windows : whole;
    /** @type {Window[]} */
    this.segments = result.timeline?.segments?.length ? result.timeline.segments : whole;
    this.end = Math.max(end, this.windows.at(-1)?.end ?? 0);
    this.hop = result.timeline?.hop ?? end;
    this.edges = edges(this.windows, this.end);
  }

  /** The labels in the order of their scores over the whole recording, each with a lane. */
  static labels(/** @type {any} */ result) {
    return Object.keys(result.scores ?? {}).sort((one, other) => result.scores[other] - result.scores[one]);
  }

  /**
   * The window that says most about a time: the one whose middle is nearest.
   * @param {number} seconds
   * @returns {number} its number
   */
  indexAt(seconds) {
    let [low, high] = [0, this.windows.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (seconds < this.edges[middle + 1]) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** @param {number} seconds @returns {Window} */
  at(seconds) {
    return this.windows[this.indexAt(seconds)];
  }
}

/**
 * Where one window's place ends and the next one's begins: halfway between their middles.
 * @param {Window[]} windows
 * @param {number} end
 * @returns {Float64Array} [windows + 1]
 */
function edges(windows, end) {
  const places = new Float64Array(windows.length + 1);
  const middle = (/** @type {Window} */ window) => (window.start + window.end) / 2;
  for (let index = 1; index < windows.length; index++) {
    places[index] = (middle(windows[index - 1]) + middle(windows[index])) / 2;
  }
  places[windows.length] = end;
  return places;
}
