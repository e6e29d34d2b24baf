/** Numbers over time and frequency as images, low frequencies at the bottom. */

import { MAP_RAMP } from "./palette.js";

/** @type {WeakMap<object, Map<Uint8ClampedArray, OffscreenCanvas>>} */
const drawn = new WeakMap();

/**
 * @param {import("./spectrum.js").Spectrum} spectrum
 * @param {Uint8ClampedArray} ramp
 * @returns {OffscreenCanvas} [bands, columns] pixels
 */
export function spectrogramImage(spectrum, ramp) {
  const known = drawn.get(spectrum) ?? new Map();
  drawn.set(spectrum, known);
  if (!known.has(ramp)) known.set(ramp, colouredSpectrum(spectrum, ramp));
  return known.get(ramp);
}

/** @type {(spectrum: import("./spectrum.js").Spectrum, ramp: Uint8ClampedArray) => OffscreenCanvas} */
function colouredSpectrum({ columns, bands, power }, ramp) {
  return painted(columns, bands, (column, row) => {
    const step = 3 * power[(bands - 1 - row) * columns + column];
    return [ramp[step], ramp[step + 1], ramp[step + 2], 255];
  });
}

/**
 * A map of what decided: the more a cell speaks for the emotion, the less it lets through; what speaks against it
 * is not shown.
 * @param {{values: number[][]}} map rows from low to high
 * @returns {{image: OffscreenCanvas, cells: {rows: number, columns: number}}} row 0 is the lowest
 */
export function mapImage({ values }) {
  const cells = { rows: values.length, columns: values[0].length };
  const most = Math.max(...values.map((row) => Math.max(...row)), Number.MIN_VALUE);
  const image = painted(cells.columns, cells.rows, (column, row) => {
    const share = Math.max(0, values[row][column]) / most;
    const step = 3 * Math.round(255 * share);
    return [MAP_RAMP[step], MAP_RAMP[step + 1], MAP_RAMP[step + 2], 225 * share ** 0.8];
  });
  return { image, cells };
}

/**
 * @param {number} width
 * @param {number} height
 * @param {(x: number, y: number) => number[]} colour red, green, blue, opacity, to 255
 * @returns {OffscreenCanvas}
 */
function painted(width, height, colour) {
  const canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(width, height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) image.data.set(colour(x, y), 4 * (y * width + x));
  }
  context.putImageData(image, 0, 0);
  return canvas;
}
