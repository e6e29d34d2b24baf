/** Draws the picture of a recording: outline, spectrogram, map of what decided, emotion over time, axis. */

import { look } from "./emotions.js";
import { placeOf, ticks } from "./layout.js";
import { mapImage, spectrogramImage } from "./images.js";
import { fill, mark } from "./patterns.js";
import { mel } from "./spectrum.js";
import { RATE } from "./sound.js";
import { clock, spoken } from "./words.js";

const FONT = '"Helvetica Neue", Arial, sans-serif';

/**
 * @typedef {object} Scene
 * @property {import("./timeline.js").Timeline} timeline
 * @property {string[]} labels from the top lane to the lowest
 * @property {import("./spectrum.js").Spectrum | null} spectrum of what is shown
 * @property {{from: number, to: number}} covers the seconds that the spectrum covers
 * @property {any | null} explanation
 */

/**
 * @callback Drawing a part of the picture
 * @param {CanvasRenderingContext2D} context
 * @param {import("./layout.js").Layout} place
 * @param {Scene} scene
 * @param {import("./palette.js").Palette} palette
 * @returns {void}
 */

/**
 * @param {CanvasRenderingContext2D} context scaled to CSS pixels
 * @param {import("./layout.js").Layout} place
 * @param {Scene} scene
 * @param {import("./palette.js").Palette} palette
 */
export function draw(context, place, scene, palette) {
  context.fillStyle = palette.paper;
  context.fillRect(0, 0, place.width, place.height);
  context.textBaseline = "middle";
  if (scene.spectrum && place.wave) drawWave(context, place, scene, palette);
  if (scene.spectrum && place.spectrogram) drawSpectrogram(context, place, scene, palette);
  inTime(context, place, place.ribbon, () => drawRibbon(context, place, scene, palette));
  drawLanes(context, place, scene, palette);
  drawAxis(context, place, palette);
}

/**
 * Draws within a band and within what is shown of time.
 * @param {CanvasRenderingContext2D} context
 * @param {import("./layout.js").Layout} place
 * @param {import("./layout.js").Band} band
 * @param {() => void} drawn
 */
function inTime(context, place, band, drawn) {
  context.save();
  context.beginPath();
  context.rect(place.left, band.y, place.right - place.left, band.height);
  context.clip();
  drawn();
  context.restore();
}

/**
 * A name before the axis.
 * @param {CanvasRenderingContext2D} context
 * @param {import("./layout.js").Layout} place
 * @param {string} text
 * @param {number} y its middle
 * @param {string} colour
 */
function name(context, place, text, y, colour) {
  context.font = `12px ${FONT}`;
  context.textAlign = "right";
  context.fillStyle = colour;
  context.fillText(text, place.left - 10, y, place.left - 10);
}

/** @type {Drawing} */
function drawWave(context, place, { spectrum, covers }, palette) {
  const { y, height } = /** @type {import("./layout.js").Band} */ (place.wave);
  const { columns, lows, highs } = /** @type {import("./spectrum.js").Spectrum} */ (spectrum);
  if (!place.narrow) name(context, place, "sound", y + height / 2, palette.soft);
  const most = Math.max(0.02, ...highs, ...lows.map(Math.abs));
  const begin = placeOf(place, covers.from);
  const step = (placeOf(place, covers.to) - begin) / columns;
  inTime(context, place, { y, height }, () => {
    context.fillStyle = palette.wave;
    for (let column = 0; column < columns; column++) {
      const top = y + (height / 2) * (1 - highs[column] / most);
      const bottom = y + (height / 2) * (1 - lows[column] / most);
      context.fillRect(begin + column * step, top - 0.5, step + 0.3, bottom - top + 1);
    }
  });
}

/** @type {Drawing} */
function drawSpectrogram(context, place, { spectrum, covers, explanation }, palette) {
  const band = /** @type {import("./layout.js").Band} */ (place.spectrogram);
  const { y, height } = band;
  const rows = (/** @type {number} */ frequency) => y + height * (1 - mel(frequency) / mel(RATE / 2));
  for (const [frequency, text] of [[500, "500 Hz"], [1000, "1 kHz"], [2000, "2 kHz"], [4000, "4 kHz"]]) {
    const short = String(text).replace(" Hz", "").replace(" kHz", "k");
    name(context, place, place.narrow ? short : String(text), rows(Number(frequency)), palette.soft);
  }
  inTime(context, place, band, () => {
    const image = spectrogramImage(/** @type {any} */ (spectrum), explanation ? palette.grey : palette.ramp);
    const begin = placeOf(place, covers.from);
    context.imageSmoothingQuality = "high";
    context.drawImage(image, begin, y, placeOf(place, covers.to) - begin, height);
    if (explanation) drawExplanation(context, place, explanation, rows, palette);
  });
}

/** @type {(context: CanvasRenderingContext2D, place: import("./layout.js").Layout, explanation: any, rows: (frequency: number) => number, palette: import("./palette.js").Palette) => void} */
function drawExplanation(context, place, explanation, rows, palette) {
  const { times, frequencies } = explanation.map;
  const { image, cells } = mapImage(explanation.map);
  // Cells are not equally high in mel, so each row of the map is put down by itself.
  for (let row = 0; row < cells.rows; row++) {
    const [low, high] = [rows(frequencies[row]), rows(frequencies[row + 1])];
    const [begin, end] = [placeOf(place, times[0]), placeOf(place, times[cells.columns])];
    context.drawImage(image, 0, row, cells.columns, 1, begin, high, end - begin, low - high);
  }
  context.strokeStyle = palette.outline;
  context.lineWidth = 2;
  for (const region of explanation.regions) {
    const [begin, end] = [placeOf(place, region.start), placeOf(place, region.end)];
    const [high, low] = [rows(region.high_hz), rows(region.low_hz)];
    context.strokeRect(begin, high + 1, end - begin, Math.max(1, low - high - 2));
  }
}

/** @type {Drawing} */
function drawRibbon(context, place, { timeline }, palette) {
  const { y, height } = place.ribbon;
  for (const { start, end, emotion } of timeline.segments) {
    if (end < place.from || start > place.to) continue;
    const { colour, sign, pattern } = look(emotion);
    const begin = placeOf(place, start);
    const width = placeOf(place, end) - begin;
    context.fillStyle = fill(context, colour, pattern, palette);
    context.fillRect(begin, y, Math.max(1, width - 1), height);
    const shown = Math.min(begin + width, place.right) - Math.max(begin, place.left);
    if (shown < 22 || pattern === "hatch") continue;
    const long = spoken(emotion);
    context.font = `600 13px ${FONT}`;
    context.textAlign = "center";
    const text = context.measureText(long).width < shown - 14 ? long : sign;
    const middle = (Math.max(begin, place.left) + Math.min(begin + width, place.right)) / 2;
    mark(context, text, middle, y + height / 2, look(emotion));
  }
}

/** @type {Drawing} */
function drawLanes(context, place, { timeline, labels }, palette) {
  labels.forEach((label, number) => {
    const { colour, sign } = look(label);
    const bottom = place.lanes.y + (number + 1) * place.lane;
    const most = place.lane - 4;
    name(context, place, place.narrow ? sign : spoken(label), bottom - most / 2, palette.ink);
    context.fillStyle = palette.line;
    context.fillRect(place.left, bottom - 1, place.right - place.left, 1);
    inTime(context, place, { y: bottom - place.lane, height: place.lane }, () => {
      const outline = new Path2D();
      outline.moveTo(place.left - 2, bottom);
      steps(place, timeline, label, (from, to, score) => {
        outline.lineTo(Math.max(from, place.left - 2), bottom - score * most);
        outline.lineTo(to, bottom - score * most);
      });
      outline.lineTo(place.right + 2, bottom);
      context.fillStyle = colour;
      context.fill(outline);
      context.strokeStyle = palette.dark ? "#ffffff55" : "#00000066";
      context.lineWidth = 0.75;
      context.stroke(outline);
    });
  });
}

/**
 * The scores of a label as steps, at most one per pixel: where windows are narrower, the highest.
 * @param {import("./layout.js").Layout} place
 * @param {import("./timeline.js").Timeline} timeline
 * @param {string} label
 * @param {(from: number, to: number, score: number) => void} step
 */
function steps(place, timeline, label, step) {
  const last = timeline.indexAt(place.to);
  let begin = -Infinity;
  let most = 0;
  for (let index = timeline.indexAt(place.from); index <= last; index++) {
    if (begin === -Infinity) begin = placeOf(place, timeline.edges[index]);
    most = Math.max(most, timeline.windows[index].scores?.[label] ?? 0);
    const end = placeOf(place, timeline.edges[index + 1]);
    if (end - begin < 1 && index < last) continue;
    step(begin, end, most);
    begin = -Infinity;
    most = 0;
  }
}

/** @type {(context: CanvasRenderingContext2D, place: import("./layout.js").Layout, palette: import("./palette.js").Palette) => void} */
function drawAxis(context, place, palette) {
  const { y } = place.axis;
  const marks = ticks(place, place.narrow ? 52 : 84);
  const tenths = marks.length > 1 && marks[1] - marks[0] < 1;
  context.font = `12px ${FONT}`;
  for (const seconds of marks) {
    const x = placeOf(place, seconds);
    context.fillStyle = palette.soft;
    context.fillRect(Math.min(x, place.right - 1), y - 4, 1, 5);
    const text = clock(seconds, tenths);
    const half = context.measureText(text).width / 2;
    context.textAlign = "center";
    context.fillText(text, Math.min(x, place.width - half), y + 13);
  }
}

