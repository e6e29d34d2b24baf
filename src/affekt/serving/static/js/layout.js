/** Where the parts of the picture lie, one above the other on one time axis; in CSS pixels. */

/** @typedef {{y: number, height: number}} Band */

/**
 * @typedef {object} Layout
 * @property {number} width
 * @property {number} height
 * @property {number} left where time begins; names stand before it
 * @property {number} right where it ends
 * @property {number} from the first second shown
 * @property {number} to the last one
 * @property {boolean} narrow
 * @property {Band | null} wave
 * @property {Band | null} spectrogram
 * @property {Band} ribbon
 * @property {Band} lanes
 * @property {number} lane height of each
 * @property {Band} axis
 */

/**
 * @param {{width: number, lanes: number, drawn: boolean, from: number, to: number}} wanted `drawn`: there is sound
 * @returns {Layout}
 */
export function layout({ width, lanes, drawn, from, to }) {
  const narrow = width < 560;
  const gap = 8;
  const lane = narrow ? 20 : 24;
  let y = 0;
  const next = (/** @type {number} */ height) => {
    const band = { y, height };
    y += height + gap;
    return band;
  };
  const wave = drawn ? next(narrow ? 48 : 64) : null;
  const spectrogram = drawn ? next(narrow ? 128 : 176) : null;
  const ribbon = next(32);
  const all = next(lane * lanes);
  const axis = next(24);
  return {
    width, height: y - gap, left: narrow ? 34 : 92, right: width - 1, from, to, narrow,
    wave, spectrogram, ribbon, lanes: all, lane, axis,
  };
}

/**
 * @param {Layout} of
 * @param {number} seconds
 * @returns {number} its place from the left
 */
export function placeOf(of, seconds) {
  return of.left + ((seconds - of.from) / (of.to - of.from)) * (of.right - of.left);
}

/**
 * @param {Layout} of
 * @param {number} place
 * @returns {number} seconds, within what is shown
 */
export function secondsAt(of, place) {
  const share = (place - of.left) / (of.right - of.left);
  return of.from + Math.max(0, Math.min(1, share)) * (of.to - of.from);
}

/**
 * Round times for an axis, about `room` pixels apart or more.
 * @param {Layout} of
 * @param {number} room
 * @returns {number[]}
 */
export function ticks(of, room) {
  const least = ((of.to - of.from) * room) / (of.right - of.left);
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200];
  const step = steps.find((one) => one >= least) ?? 14400;
  const first = Math.ceil(of.from / step - 1e-9);
  const count = Math.floor(of.to / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, index) => (first + index) * step);
}
