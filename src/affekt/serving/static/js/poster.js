/** What stands around the picture when it is kept as a file. */

import { LIGHT } from "./palette.js";
import { isSilent } from "./timeline.js";
import { length, percent, spoken } from "./words.js";

const MOST_LETTERS = 90;
const [ABOVE, BELOW] = [76, 44];

/**
 * @param {import("./recordings.js").Recording} recording
 * @param {import("./timeline.js").Timeline} timeline
 * @returns {(context: CanvasRenderingContext2D) => {above: number, below: number}}
 */
export function framed({ result, model }, timeline) {
  return (context) => {
    const { height } = context.canvas;
    const scale = context.getTransform().a;
    context.textBaseline = "alphabetic";
    context.textAlign = "left";
    context.fillStyle = LIGHT.ink;
    context.font = '600 20px "Helvetica Neue", Arial, sans-serif';
    context.fillText(result.file.slice(0, MOST_LETTERS), 20, 34);
    context.font = '14px "Helvetica Neue", Arial, sans-serif';
    context.fillStyle = LIGHT.soft;
    const heard = isSilent(result) ? "no speech" : `${spoken(result.emotion)}, score ${percent(result.confidence)}`;
    context.fillText(`${heard}, ${length(timeline.end)}`, 20, 58);
    context.fillText(`Affekt, model ${model}: how the voice sounds, not what the person feels.`, 20, height / scale - 16);
    return { above: ABOVE, below: BELOW };
  };
}
