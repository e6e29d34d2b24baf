/** What is drawn of a stretch of sound: its outline, and its power over time and frequency, a column per pixel. */

import { Fft } from "./fft.js";

const SIZE = 1024;
const WINDOW_SECONDS = 0.032;
const FRAMES_PER_COLUMN = 3;
const RANGE_DB = 75;
const LEAST_POWER = 1e-10;
/** What is quieter than this below full scale is dark, however quiet the rest: noise is not to look like speech. */
const LOUDEST_AT_LEAST_DB = -50;

/**
 * @typedef {object} Spectrum
 * @property {number} columns
 * @property {number} bands rows, from low to high, evenly spaced in mel
 * @property {Uint8Array} power [bands * columns], 0 to 255 over 75 dB below the loudest, or below -50 dB where all is quiet
 * @property {Float32Array} lows [columns] lowest sample
 * @property {Float32Array} highs [columns] highest sample
 * @property {Float32Array} levels [columns] root mean square in dB below full scale
 * @property {Float32Array} strongest [columns] the frequency with the most power, in Hz
 */

/** @param {number} hertz @returns {number} mel (O'Shaughnessy 1987) */
export function mel(hertz) {
  return 2595 * Math.log10(1 + hertz / 700);
}

/** @param {number} mels @returns {number} Hz */
function hertz(mels) {
  return 700 * (10 ** (mels / 2595) - 1);
}

/**
 * Which bins of the transform a band holds: the nearest one where bands are narrower than bins.
 * @param {number} bands
 * @param {number} rate
 * @returns {Array<[number, number]>} first and last bin
 */
function binsOf(bands, rate) {
  const top = mel(rate / 2);
  return Array.from({ length: bands }, (_, band) => {
    const low = (hertz((top * band) / bands) * SIZE) / rate;
    const high = (hertz((top * (band + 1)) / bands) * SIZE) / rate;
    const first = Math.ceil(low);
    const last = Math.floor(high);
    return first <= last ? [first, last] : [Math.round((low + high) / 2), Math.round((low + high) / 2)];
  });
}

/**
 * Draws samples[from..to) as `columns` columns. At most three frames are looked at per column, so that an hour
 * costs no more than a minute.
 * @param {Float32Array} samples mono
 * @param {number} rate in Hz
 * @param {{from: number, to: number, columns: number, bands: number}} wanted from and to in samples
 * @returns {Spectrum}
 */
export function spectrum(samples, rate, { from, to, columns, bands }) {
  const fft = new Fft(SIZE);
  const width = Math.min(SIZE, Math.round(WINDOW_SECONDS * rate));
  const hann = Float64Array.from({ length: width }, (_, k) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (k + 0.5)) / width));
  const bins = binsOf(bands, rate);
  const frame = new Float64Array(width);
  const frequencies = new Float64Array(SIZE / 2 + 1);
  const decibels = new Float32Array(bands * columns);
  const made = outline(samples, from, to, columns);
  // A sine at full scale comes to a quarter of the window's length, squared.
  let loudest = LOUDEST_AT_LEAST_DB + 20 * Math.log10(width / 4);
  for (let column = 0; column < columns; column++) {
    const start = from + ((to - from) * column) / columns;
    const span = (to - from) / columns;
    const frames = Math.max(1, Math.min(FRAMES_PER_COLUMN, Math.ceil(span / width)));
    let strongest = 0;
    decibels.fill(-Infinity, column * bands, (column + 1) * bands);
    for (let index = 0; index < frames; index++) {
      const first = Math.round(start + (span * (index + 0.5)) / frames - width / 2);
      for (let k = 0; k < width; k++) frame[k] = (samples[first + k] ?? 0) * hann[k];
      fft.power(frame, frequencies);
      for (let band = 0; band < bands; band++) {
        let most = 0;
        for (let bin = bins[band][0]; bin <= bins[band][1]; bin++) most = Math.max(most, frequencies[bin]);
        const at = column * bands + band;
        decibels[at] = Math.max(decibels[at], 10 * Math.log10(most + LEAST_POWER));
        if (decibels[at] > decibels[column * bands + strongest]) strongest = band;
      }
    }
    loudest = Math.max(loudest, decibels[column * bands + strongest]);
    made.strongest[column] = ((bins[strongest][0] + bins[strongest][1]) / 2) * (rate / SIZE);
  }
  const power = new Uint8Array(bands * columns);
  for (let column = 0; column < columns; column++) {
    for (let band = 0; band < bands; band++) {
      const below = (decibels[column * bands + band] - loudest) / RANGE_DB;
      power[band * columns + column] = Math.round(255 * Math.min(1, Math.max(0, 1 + below)));
    }
  }
  return { columns, bands, power, ...made };
}

/**
 * @param {Float32Array} samples
 * @param {number} from
 * @param {number} to
 * @param {number} columns
 */
function outline(samples, from, to, columns) {
  const lows = new Float32Array(columns);
  const highs = new Float32Array(columns);
  const levels = new Float32Array(columns);
  for (let column = 0; column < columns; column++) {
    const first = Math.floor(from + ((to - from) * column) / columns);
    const last = Math.max(first + 1, Math.floor(from + ((to - from) * (column + 1)) / columns));
    let sum = 0;
    for (let index = first; index < last; index++) {
      const sample = samples[index] ?? 0;
      if (sample < lows[column]) lows[column] = sample;
      if (sample > highs[column]) highs[column] = sample;
      sum += sample * sample;
    }
    levels[column] = 10 * Math.log10(sum / (last - first) + 1e-10);
  }
  return { lows, highs, levels, strongest: new Float32Array(columns) };
}
