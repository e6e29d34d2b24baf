/** Colours of what is drawn on canvas, in light and dark. The ramps only ever grow lighter or darker. */

/**
 * @typedef {object} Palette
 * @property {boolean} dark
 * @property {string} paper
 * @property {string} ink
 * @property {string} soft
 * @property {string} line
 * @property {string} wave
 * @property {string} outline
 * @property {Uint8ClampedArray} ramp [256 * 3] quiet to loud
 * @property {Uint8ClampedArray} grey [256 * 3] quiet to loud, under a map
 */

const VIRIDIS = ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"];

/** The colours of a map of what decided. */
export const MAP_RAMP = ramp(VIRIDIS);

/** @type {Palette} */
export const LIGHT = {
  dark: false,
  paper: "#ffffff",
  ink: "#1c2428",
  soft: "#5a666d",
  line: "#dfe3e1",
  wave: "#2b6f7f",
  outline: "#c04a00",
  ramp: ramp(["#ffffff", "#e3eeee", "#a9cfd3", "#5fa3b4", "#2a708f", "#1b4468", "#0f1f3a"]),
  grey: ramp(["#ffffff", "#c9cdcf", "#7c8489", "#2b3135"]),
};

/** @type {Palette} */
export const DARK = {
  dark: true,
  paper: "#171d21",
  ink: "#e8edef",
  soft: "#a3b0b7",
  line: "#323c42",
  wave: "#7cc0cf",
  outline: "#ff9d4d",
  ramp: ramp(["#171d21", "#15324a", "#1c5a78", "#2f8c96", "#6fbb9a", "#bfdf9f", "#fbf8d0"]),
  grey: ramp(["#171d21", "#3a4348", "#78838a", "#cdd4d8"]),
};

/**
 * 256 colours along stops at equal distances.
 * @param {string[]} stops #rrggbb
 * @returns {Uint8ClampedArray} [256 * 3]
 */
function ramp(stops) {
  const colours = stops.map((stop) => [1, 3, 5].map((at) => parseInt(stop.slice(at, at + 2), 16)));
  const steps = new Uint8ClampedArray(256 * 3);
  for (let step = 0; step < 256; step++) {
    const place = (step / 255) * (stops.length - 1);
    const before = Math.min(Math.floor(place), stops.length - 2);
    for (let part = 0; part < 3; part++) {
      const [from, to] = [colours[before][part], colours[before + 1][part]];
      steps[3 * step + part] = from + (to - from) * (place - before);
    }
  }
  return steps;
}
