/** The canvas of a recording: asks the worker for what is drawn, and draws again when something changes. */

import { draw } from "./draw.js";
import { layout } from "./layout.js";
import { LIGHT } from "./palette.js";
import { RATE } from "./sound.js";
import { palette } from "./theme.js";

const BANDS = 160;
const SETTLED_MS = 120;
const MOST_COLUMNS = 4096;

export class Picture {
  /** @type {import("./draw.js").Scene | null} */
  #scene = null;
  /** @type {Float32Array | null} */
  #samples = null;
  #worker = new Worker(new URL("./spectrum-worker.js", import.meta.url), { type: "module" });
  #ticket = 0;
  #timer = 0;
  /** Seconds shown. */
  from = 0;
  to = 1;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {() => void} drawn called after each drawing: places may have moved
   */
  constructor(canvas, drawn) {
    this.canvas = canvas;
    this.drawn = drawn;
    this.#worker.addEventListener("message", ({ data }) => this.#received(data));
    new ResizeObserver(() => this.redraw()).observe(/** @type {HTMLElement} */ (canvas.parentElement));
  }

  /**
   * @param {import("./timeline.js").Timeline} timeline
   * @param {string[]} labels
   */
  show(timeline, labels) {
    this.#samples = null;
    this.#ticket++;
    this.from = 0;
    this.to = timeline.end;
    this.#scene = { timeline, labels, spectrum: null, covers: { from: 0, to: timeline.end }, explanation: null };
    this.redraw();
  }

  /** @param {Float32Array} samples at 16 kHz */
  hear(samples) {
    this.#samples = samples;
    this.#worker.postMessage({ samples, rate: RATE });
    this.redraw();
  }

  /** @param {any | null} explanation */
  explain(explanation) {
    if (this.#scene) this.#scene.explanation = explanation;
    this.redraw();
  }

  /**
   * Shows these seconds.
   * @param {number} from
   * @param {number} to
   */
  zoom(from, to) {
    this.from = from;
    this.to = to;
    this.redraw();
  }

  /** Where everything lies now. */
  get layout() {
    return this.#layout(/** @type {HTMLElement} */ (this.canvas.parentElement).clientWidth);
  }

  /** The level and the strongest frequency between two times; null where no sound is drawn. */
  measured(/** @type {number} */ from, /** @type {number} */ to) {
    const { spectrum, covers } = this.#scene ?? {};
    if (!spectrum || !covers) return null;
    const column = (/** @type {number} */ seconds) =>
      Math.round(((seconds - covers.from) / (covers.to - covers.from)) * spectrum.columns);
    const first = Math.max(0, Math.min(spectrum.columns - 1, column(from)));
    const last = Math.max(first + 1, Math.min(spectrum.columns, column(to)));
    let loudest = first;
    for (let at = first; at < last; at++) if (spectrum.levels[at] > spectrum.levels[loudest]) loudest = at;
    return { level: spectrum.levels[loudest], hertz: spectrum.strongest[loudest] };
  }

  redraw() {
    if (!this.#scene || !this.canvas.parentElement?.clientWidth) return;
    const place = this.layout;
    const scale = devicePixelRatio || 1;
    this.canvas.width = Math.round(place.width * scale);
    this.canvas.height = Math.round(place.height * scale);
    this.canvas.style.height = `${place.height}px`;
    this.#paint(this.canvas, place, scale, palette());
    this.drawn();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#wish(place, scale), this.#scene.spectrum ? SETTLED_MS : 0);
  }

  /**
   * The picture in light colours, for a file.
   * @param {number} width
   * @param {(context: CanvasRenderingContext2D, width: number) => {above: number, below: number}} framed draws what
   *   stands around it, and says how much room that takes; called with no height at first
   * @returns {Promise<Blob>}
   */
  async toPng(width, framed) {
    const place = this.#layout(width);
    const scale = 2;
    const canvas = document.createElement("canvas");
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const { above, below } = framed(context, width);
    canvas.width = (width + 40) * scale;
    canvas.height = (place.height + above + below) * scale;
    context.scale(scale, scale);
    context.fillStyle = LIGHT.paper;
    context.fillRect(0, 0, width + 40, place.height + above + below);
    framed(context, width);
    context.translate(20, above);
    draw(context, place, /** @type {import("./draw.js").Scene} */ (this.#scene), LIGHT);
    return new Promise((resolve) => canvas.toBlob((blob) => resolve(/** @type {Blob} */ (blob)), "image/png"));
  }

  /** @param {number} width */
  #layout(width) {
    const lanes = this.#scene?.labels.length ?? 0;
    return layout({ width, lanes, drawn: this.#samples !== null, from: this.from, to: this.to });
  }

  /** @type {(canvas: HTMLCanvasElement, place: import("./layout.js").Layout, scale: number, colours: import("./palette.js").Palette) => void} */
  #paint(canvas, place, scale, colours) {
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.setTransform(scale, 0, 0, scale, 0, 0);
    draw(context, place, /** @type {import("./draw.js").Scene} */ (this.#scene), colours);
  }

  /** Asks for what is shown now, in as many columns as there are pixels, unless it is there. */
  #wish(/** @type {import("./layout.js").Layout} */ place, /** @type {number} */ scale) {
    if (!this.#samples || !this.#scene) return;
    const columns = Math.min(MOST_COLUMNS, Math.round((place.right - place.left) * scale));
    const { spectrum, covers } = this.#scene;
    if (spectrum?.columns === columns && covers.from === this.from && covers.to === this.to) return;
    const wanted = { from: Math.round(this.from * RATE), to: Math.round(this.to * RATE), columns, bands: BANDS };
    this.#worker.postMessage({ ticket: ++this.#ticket, wanted });
  }

  /** @param {{ticket: number, spectrum: import("./spectrum.js").Spectrum}} data */
  #received({ ticket, spectrum }) {
    if (ticket !== this.#ticket || !this.#scene) return;
    this.#scene.spectrum = spectrum;
    this.#scene.covers = { from: this.from, to: this.to };
    this.canvas.dataset.drawn = "sound";
    this.redraw();
  }
}
