/** The panel that is shown while recording: the microphone's level, and the scores of the last seconds. */

import { announce, byId } from "./dom.js";
import { fill, mark } from "./patterns.js";
import { look, NO_SPEECH } from "./emotions.js";
import { Recorder, whyNoMicrophone } from "./recorder.js";
import { Scores } from "./scores.js";
import { stream } from "./stream.js";
import { palette } from "./theme.js";
import { clock, percent, spoken } from "./words.js";

const SHOWN_SECONDS = 12;
const POINTS_PER_SECOND = 40;
const RIBBON = 26;

export class Live {
  /** @type {Recorder | null} */
  #recorder = null;
  /** @type {import("./stream.js").Stream | null} */
  #stream = null;
  /** @type {number[]} the loudest sample of each short while */
  #levels = [];
  #level = { most: 0, samples: 0 };
  /** @type {import("./timeline.js").Window[]} */
  #windows = [];
  #said = "";
  #starting = false;

  /**
   * @param {{model: () => any, recorded: (file: File) => void, failed: (message: string) => void}} told
   */
  constructor(told) {
    this.told = told;
    this.button = byId("record");
    this.scores = new Scores(byId("live-scores"));
    this.button.addEventListener("click", () => (this.#recorder ? this.stop() : this.start()));
  }

  async start() {
    if (this.#starting) return;
    this.#starting = true;
    try {
      this.#recorder = await Recorder.start((pcm, samples) => this.#heard(pcm, samples));
    } catch (error) {
      this.told.failed(whyNoMicrophone(error));
      return;
    } finally {
      this.#starting = false;
    }
    const model = this.told.model();
    [this.#levels, this.#windows, this.#said] = [[], [], ""];
    this.scores.start(model.labels);
    this.scores.show(null, null);
    byId("live-note").textContent = "The first scores come after a moment of speech.";
    this.#shown(true);
    this.#stream = stream(
      { model: model.name, rate: this.#recorder.rate },
      { window: (window) => this.#window(window), failed: (message) => (byId("live-note").textContent = message) },
    );
    announce("Recording.");
    this.#draw();
  }

  async stop() {
    const recorder = this.#recorder;
    this.#recorder = null;
    this.#stream?.end();
    if (!recorder) return;
    const file = await recorder.stop();
    this.#shown(false);
    announce("Recording stopped; it is heard whole now.");
    this.told.recorded(file);
  }

  #shown(/** @type {boolean} */ recording) {
    this.button.classList.toggle("recording", recording);
    byId("record-word").textContent = recording ? "Stop" : "Record";
    byId("live").hidden = !recording;
    document.body.classList.toggle("is-recording", recording);
  }

  /** @type {(pcm: Int16Array, samples: Float32Array) => void} */
  #heard(pcm, samples) {
    const recorder = this.#recorder;
    if (!recorder) return;
    this.#stream?.send(pcm);
    for (const sample of samples) {
      this.#level.most = Math.max(this.#level.most, Math.abs(sample));
      if (++this.#level.samples >= recorder.rate / POINTS_PER_SECOND) {
        this.#levels.push(this.#level.most);
        this.#level = { most: 0, samples: 0 };
      }
    }
    byId("live-clock").textContent = clock(recorder.seconds, false);
    if (recorder.full) this.stop();
  }

  /** @param {import("./timeline.js").Window} window */
  #window(window) {
    if (!this.#recorder) return;
    this.#windows.push(window);
    this.scores.show(window.scores, window.emotion);
    byId("live-note").textContent = "";
    if (window.emotion === this.#said) return;
    this.#said = window.emotion;
    announce(window.emotion === NO_SPEECH ? "no speech" : `${spoken(window.emotion)}, ${percent(window.confidence ?? 0)}`);
  }

  #draw() {
    if (!this.#recorder) return;
    const canvas = byId("live-canvas");
    const scale = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    const seconds = this.#levels.length / POINTS_PER_SECOND;
    const from = Math.max(0, seconds - SHOWN_SECONDS);
    const place = (/** @type {number} */ time) => ((time - from) / SHOWN_SECONDS) * width;
    this.#drawLevels(context, place, height - RIBBON - 8);
    this.#drawWindows(context, place, height - RIBBON, width);
    // A still picture twice a second where somebody asked for less motion.
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (calm) setTimeout(() => this.#draw(), 500);
    else requestAnimationFrame(() => this.#draw());
  }

  /** @type {(context: CanvasRenderingContext2D, place: (time: number) => number, height: number) => void} */
  #drawLevels(context, place, height) {
    const first = Math.max(0, this.#levels.length - SHOWN_SECONDS * POINTS_PER_SECOND);
    context.fillStyle = palette().wave;
    for (let index = first; index < this.#levels.length; index++) {
      // The root makes quiet speech visible beside loud.
      const tall = Math.max(2, Math.sqrt(this.#levels[index]) * height);
      context.beginPath();
      context.roundRect(place(index / POINTS_PER_SECOND), (height - tall) / 2, Math.max(1.5, place(1 / POINTS_PER_SECOND) - place(0) - 1), tall, 1);
      context.fill();
    }
  }

  /** @type {(context: CanvasRenderingContext2D, place: (time: number) => number, y: number, width: number) => void} */
  #drawWindows(context, place, y, width) {
    context.font = '600 12px "Helvetica Neue", Arial, sans-serif';
    context.textAlign = "center";
    context.textBaseline = "middle";
    let begin = 0;
    for (const { end, emotion } of this.#windows) {
      const { colour, sign, pattern } = look(emotion);
      const [left, right] = [place(begin), place(end)];
      begin = end;
      if (right < 0 || left > width) continue;
      context.fillStyle = fill(context, colour, pattern, palette());
      context.fillRect(left, y, right - left - 1, RIBBON);
      if (pattern !== "hatch" && right - left > 20) mark(context, sign, (left + right) / 2, y + RIBBON / 2, look(emotion));
    }
  }
}
