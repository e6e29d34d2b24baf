/** One recording in full: its picture, what is heard at each time, what decided, and files to keep. */

import { announce, byId, make } from "./dom.js";
import { Explanation } from "./explanation.js";
import { save, toJson, toVtt, windowsToCsv } from "./files-of-results.js";
import { NO_SPEECH } from "./emotions.js";
import { placeOf, secondsAt } from "./layout.js";
import { Picture } from "./picture.js";
import { Player } from "./player.js";
import { framed } from "./poster.js";
import { caution } from "./recordings.js";
import { isRecorded } from "./recorder.js";
import { named, Scores } from "./scores.js";
import { decode } from "./sound.js";
import { segmentsTable, windowsTable } from "./tables.js";
import { isSilent, Timeline } from "./timeline.js";
import { clock, length, percent, spoken } from "./words.js";

const LEAST_SHOWN_SECONDS = 0.25;
const POSTER_WIDTH = 1200;
const MOST_SHARES = 5;

export class Result {
  /** @type {import("./recordings.js").Recording | null} */
  #recording = null;
  /** @type {Timeline} */
  #timeline = new Timeline({ start: 0, end: 1, emotion: NO_SPEECH, confidence: null, scores: null });
  /** @type {string[]} */
  #labels = [];
  /** The time that was chosen, or that plays; null while none was. @type {number | null} */
  #time = null;
  /** @type {number | null} */
  #pointed = null;

  /** @param {() => boolean} calibrated whether the chosen model's scores are */
  constructor(calibrated) {
    this.calibrated = calibrated;
    this.plot = byId("plot");
    this.picture = new Picture(byId("picture"), () => this.#lines());
    this.player = new Player((seconds) => this.#played(seconds));
    this.scores = new Scores(byId("scores"));
    this.explanation = new Explanation((explanation) => this.picture.explain(explanation));
    this.#listen();
  }

  /** @param {import("./recordings.js").Recording | null} recording */
  async show(recording) {
    this.#recording = recording;
    byId("result").hidden = !recording;
    this.player.audio.pause();
    if (!recording) return;
    const { result, file } = recording;
    this.#timeline = new Timeline(result);
    this.#labels = Timeline.labels(result);
    [this.#time, this.#pointed] = [null, null];
    this.#head(result);
    this.scores.start(this.#labels, isSilent(result) ? null : result.scores);
    this.plot.setAttribute("aria-valuemax", this.#timeline.end.toFixed(1));
    this.picture.show(this.#timeline, this.#labels);
    this.player.load(file);
    byId("save-recording").hidden = !isRecorded(file);
    this.#moved();
    this.#tables();
    this.explanation.start(recording);
    byId("drawing-note").hidden = true;
    const sound = await decode(file, this.#timeline.end);
    if (this.#recording !== recording) return;
    byId("drawing-note").hidden = !sound.reason;
    byId("drawing-note").textContent = sound.reason;
    if (sound.samples) this.picture.hear(sound.samples);
  }

  /** Colours have changed. */
  redraw() {
    this.picture.redraw();
  }

  /** @param {any} result */
  #head(result) {
    byId("result-title").textContent = result.file;
    const silent = isSilent(result);
    byId("verdict").replaceChildren(
      ...(silent ? ["No speech was found in it."] : ["Sounds like ", named(result.emotion), ` score ${percent(result.confidence)}, ${length(result.end)}`]),
    );
    this.#shares(result.timeline?.summary?.shares);
    const cautions = [
      caution(result),
      this.calibrated() ? "" : "scores are not calibrated: compare them, don't read them as odds",
    ].filter(Boolean);
    const text = cautions.join("; ");
    byId("cautions").textContent = text ? `${text[0].toUpperCase()}${text.slice(1)}.` : "";
    announce(`${result.file}: ${silent ? "no speech" : `${spoken(result.emotion)}, score ${percent(result.confidence)}`}`);
  }

  /** @param {Record<string, number> | undefined} shares of the time, the largest first */
  #shares(shares) {
    const most = Object.entries(shares ?? {}).filter(([, share]) => share >= 0.005);
    byId("shares").hidden = most.length < 2;
    byId("shares").replaceChildren("Over time: ", ...most.slice(0, MOST_SHARES).map(([label, share]) =>
      make("span", { class: "share" }, named(label), percent(share))));
  }

  #listen() {
    this.plot.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
      this.#pointed = this.#secondsOf(event);
      this.#moved();
    });
    this.plot.addEventListener("pointerleave", () => {
      this.#pointed = null;
      this.#moved();
    });
    this.plot.addEventListener("click", (/** @type {MouseEvent} */ event) => {
      this.#time = this.#secondsOf(event);
      this.#moved();
      this.player.play(this.#time);
    });
    this.plot.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#key(event));
    byId("zoom-in").addEventListener("click", () => this.#zoom(0.5));
    byId("zoom-out").addEventListener("click", () => this.#zoom(2));
    byId("zoom-whole").addEventListener("click", () => this.#zoom(Infinity));
    byId("numbers").addEventListener("toggle", () => this.#tables());
    byId("save-recording").addEventListener("click", () => this.#save("wav", ({ file }) => file));
    byId("save-json").addEventListener("click", () => this.#save("json", (recording) => toJson(recording.model, [recording.result])));
    byId("save-vtt").addEventListener("click", () => this.#save("vtt", () => toVtt(this.#timeline.segments)));
    byId("save-csv").addEventListener("click", () =>
      this.#save("csv", ({ result }) => windowsToCsv(result, this.#timeline.windows, this.#labels)));
    byId("save-png").addEventListener("click", () =>
      this.#save("png", (recording) => this.picture.toPng(POSTER_WIDTH, framed(recording, this.#timeline))));
  }

  /** @param {MouseEvent} event */
  #secondsOf(event) {
    return secondsAt(this.picture.layout, event.clientX - this.plot.getBoundingClientRect().left);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = Math.min(this.#timeline.hop, this.#timeline.end / 20);
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowRight: () => this.#go(step), ArrowUp: () => this.#go(step),
      ArrowLeft: () => this.#go(-step), ArrowDown: () => this.#go(-step),
      PageUp: () => this.#go(10 * step), PageDown: () => this.#go(-10 * step),
      Home: () => this.#go(-Infinity), End: () => this.#go(Infinity),
      " ": () => this.player.toggle(),
      "+": () => this.#zoom(0.5), "-": () => this.#zoom(2), "0": () => this.#zoom(Infinity),
    };
    if (!Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  }

  /** @param {number} by seconds */
  #go(by) {
    this.#time = Math.max(0, Math.min(this.#timeline.end, (this.#time ?? 0) + by));
    this.player.seek(this.#time);
    this.#follow();
    this.#moved();
  }

  /** @param {number} seconds */
  #played(seconds) {
    if (!this.player.playing && this.#time === null) return;
    this.#time = Math.min(seconds, this.#timeline.end);
    this.#follow();
    this.#moved();
  }

  /** Turns the page when the time leaves what is shown. */
  #follow() {
    const { from, to } = this.picture;
    const time = this.#time ?? 0;
    if (time >= from && time <= to) return;
    const begin = Math.max(0, Math.min(this.#timeline.end - (to - from), time - 0.1 * (to - from)));
    this.picture.zoom(begin, begin + to - from);
  }

  /** @param {number} factor of the seconds shown */
  #zoom(factor) {
    const { from, to } = this.picture;
    const shown = Math.max(LEAST_SHOWN_SECONDS, Math.min(this.#timeline.end, (to - from) * factor));
    const middle = this.#time !== null && this.#time >= from && this.#time <= to ? this.#time : (from + to) / 2;
    const begin = Math.max(0, Math.min(this.#timeline.end - shown, middle - shown / 2));
    this.picture.zoom(begin, begin + shown);
    announce(`Shown: ${clock(begin)} to ${clock(begin + shown)}`);
  }

  /** Shows what is heard at the time pointed at, or chosen, or over all of it. */
  #moved() {
    const result = /** @type {import("./recordings.js").Recording} */ (this.#recording)?.result;
    if (!result) return;
    const time = this.#pointed ?? this.#time;
    const heard = time === null && !isSilent(result) ? result : this.#timeline.at(time ?? 0);
    byId("scores-title").textContent = time === null ? "Whole recording" : `At ${clock(time)}`;
    this.scores.show(heard.scores, heard.emotion);
    byId("clock").textContent = `${clock(this.#time ?? 0)} / ${clock(this.#timeline.end)}`;
    const chosen = this.#time === null && !isSilent(result) ? result : this.#timeline.at(this.#time ?? 0);
    const score = chosen.confidence === null ? "" : ` ${percent(chosen.confidence)}`;
    this.plot.setAttribute("aria-valuenow", (this.#time ?? 0).toFixed(1));
    this.plot.setAttribute("aria-valuetext", `${clock(this.#time ?? 0)}: ${spoken(chosen.emotion)}${score}`);
    this.#lines();
  }

  #lines() {
    const place = this.picture.layout;
    for (const [id, time] of /** @type {Array<[string, number | null]>} */ ([["pointer-line", this.#pointed], ["play-line", this.#time]])) {
      const line = byId(id);
      line.hidden = time === null || time < place.from || time > place.to;
      if (time !== null) line.style.setProperty("--place", `${placeOf(place, time)}px`);
    }
  }

  #tables() {
    const { windows, segments } = this.#timeline;
    const measured = this.picture.measured.bind(this.picture);
    const open = byId("numbers").open && this.#recording;
    byId("numbers-tables").replaceChildren(
      ...(open ? [segmentsTable(segments), windowsTable(windows, this.#labels, measured)] : []));
  }

  /**
   * @param {string} suffix
   * @param {(recording: import("./recordings.js").Recording) => Blob | Promise<Blob>} made
   */
  async #save(suffix, made) {
    if (!this.#recording) return;
    const stem = this.#recording.file.name.replace(/\.[^.]*$/, "") || "recording";
    save(await made(this.#recording), `${stem}.${suffix}`);
  }
}
