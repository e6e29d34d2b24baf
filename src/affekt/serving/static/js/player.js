/** Plays the recording that is shown, where the browser can. */

import { byId } from "./dom.js";

export class Player {
  #url = "";
  #frame = 0;

  /**
   * @param {(seconds: number) => void} moved called while it plays, and when it stops
   */
  constructor(moved) {
    /** @type {HTMLAudioElement} */
    this.audio = byId("player");
    this.button = byId("play");
    this.moved = moved;
    this.button.addEventListener("click", () => this.toggle());
    for (const event of ["play", "pause", "ended"]) this.audio.addEventListener(event, () => this.#changed());
    this.audio.addEventListener("error", () => this.#able(false));
    this.audio.addEventListener("loadedmetadata", () => this.#able(true));
  }

  /** @param {File} file */
  load(file) {
    this.audio.pause();
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = URL.createObjectURL(file);
    this.audio.src = this.#url;
  }

  get playing() {
    return !this.audio.paused;
  }

  toggle() {
    if (this.playing) this.audio.pause();
    else this.play(this.audio.ended ? 0 : this.audio.currentTime);
  }

  /** @param {number} seconds */
  seek(seconds) {
    if (Number.isFinite(this.audio.duration)) this.audio.currentTime = Math.min(seconds, this.audio.duration);
  }

  /** @param {number} seconds */
  play(seconds) {
    this.seek(seconds);
    // Playing is refused where the file cannot be read; the button says so already.
    this.audio.play().catch(() => {});
  }

  #able(/** @type {boolean} */ able) {
    this.button.disabled = !able;
    this.button.title = able ? "" : "This browser cannot play this kind of file.";
  }

  #changed() {
    byId("play-word").textContent = this.playing ? "Pause" : "Play";
    this.button.classList.toggle("playing", this.playing);
    cancelAnimationFrame(this.#frame);
    if (this.playing) this.#follow();
    else this.moved(this.audio.currentTime);
  }

  #follow() {
    this.moved(this.audio.currentTime);
    this.#frame = requestAnimationFrame(() => this.#follow());
  }
}
