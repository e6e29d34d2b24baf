/** Computes spectra beside the page, so that it never stands still. The samples are sent once, then only wishes. */

import { spectrum } from "./spectrum.js";

let samples = new Float32Array(0);
let rate = 1;

self.addEventListener("message", ({ data }) => {
  if (data.samples) ({ samples, rate } = data);
  if (!data.wanted) return;
  const made = spectrum(samples, rate, data.wanted);
  const buffers = [made.power, made.lows, made.highs, made.levels, made.strongest].map((array) => array.buffer);
  self.postMessage({ ticket: data.ticket, spectrum: made }, { transfer: buffers });
});
