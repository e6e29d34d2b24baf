/**
 * How each emotion looks: a colour by Okabe and Ito, a sign of two letters, and a pattern, so that none rests on
 * colour alone.
 */

export const NO_SPEECH = "no_speech";

/**
 * @typedef {object} Look
 * @property {string} colour
 * @property {string} sign two letters
 * @property {"plain" | "lines" | "dots" | "hatch"} pattern
 */

/** @type {Record<string, Look>} */
const LOOKS = {
  anger: { colour: "#d55e00", sign: "An", pattern: "plain" },
  boredom: { colour: "#6f6a9e", sign: "Bo", pattern: "dots" },
  calm: { colour: "#56b4e9", sign: "Ca", pattern: "plain" },
  contempt: { colour: "#009e73", sign: "Co", pattern: "lines" },
  disgust: { colour: "#009e73", sign: "Di", pattern: "plain" },
  excitement: { colour: "#f0e442", sign: "Ex", pattern: "lines" },
  fear: { colour: "#cc79a7", sign: "Fe", pattern: "plain" },
  frustration: { colour: "#d55e00", sign: "Fr", pattern: "lines" },
  happiness: { colour: "#f0e442", sign: "Ha", pattern: "plain" },
  neutral: { colour: "#9aa0a6", sign: "Ne", pattern: "plain" },
  sadness: { colour: "#0072b2", sign: "Sa", pattern: "plain" },
  surprise: { colour: "#e69f00", sign: "Su", pattern: "plain" },
  [NO_SPEECH]: { colour: "#8a8f94", sign: "–", pattern: "hatch" },
  unknown: { colour: "#8a8f94", sign: "?", pattern: "plain" },
};

/**
 * The look of a label, also of one that a model of the user's own made up.
 * @param {string} label
 * @returns {Look}
 */
export function look(label) {
  return Object.hasOwn(LOOKS, label)
    ? LOOKS[label]
    : { colour: "#9aa0a6", sign: [...label].slice(0, 2).join(""), pattern: "dots" };
}

/**
 * Black or white, whichever reads better on a colour.
 * @param {string} colour #rrggbb
 * @returns {string}
 */
export function inkOn(colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 ? "#000000" : "#ffffff";
}
