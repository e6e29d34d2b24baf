/** Fills that can be told apart without colour. */

import { inkOn } from "./emotions.js";

/**
 * @param {CanvasRenderingContext2D} context
 * @param {string} colour
 * @param {import("./emotions.js").Look["pattern"]} pattern
 * @param {import("./palette.js").Palette} palette
 * @returns {string | CanvasPattern}
 */
export function fill(context, colour, pattern, palette) {
  if (pattern === "plain") return colour;
  const tile = new OffscreenCanvas(8, 8);
  const pen = /** @type {OffscreenCanvasRenderingContext2D} */ (tile.getContext("2d"));
  pen.fillStyle = pattern === "hatch" ? palette.paper : colour;
  pen.fillRect(0, 0, 8, 8);
  pen.strokeStyle = pattern === "hatch" ? palette.soft : "#00000080";
  pen.fillStyle = "#00000080";
  pen.lineWidth = 1.25;
  if (pattern === "dots") {
    for (const at of [2, 6]) {
      pen.beginPath();
      pen.arc(at, at, 1.3, 0, 2 * Math.PI);
      pen.fill();
    }
  } else {
    for (const shift of [-8, 0, 8]) {
      pen.beginPath();
      pen.moveTo(shift - 1, 9);
      pen.lineTo(shift + 9, -1);
      pen.stroke();
    }
  }
  return /** @type {CanvasPattern} */ (context.createPattern(tile, "repeat"));
}

/**
 * A word on a fill, on a plate of plain colour where the fill has a pattern. The font stands; text is centred.
 * @param {CanvasRenderingContext2D} context
 * @param {string} text
 * @param {number} x
 * @param {number} y
 * @param {import("./emotions.js").Look} look
 */
export function mark(context, text, x, y, { colour, pattern }) {
  if (pattern !== "plain") {
    const width = context.measureText(text).width + 8;
    context.fillStyle = colour;
    context.fillRect(x - width / 2, y - 10, width, 20);
  }
  context.fillStyle = inkOn(colour);
  context.fillText(text, x, y + 1);
}
