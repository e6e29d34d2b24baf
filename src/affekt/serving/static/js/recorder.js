/** The microphone: blocks of samples while it records, a WAV file when it stops. */

import { toPcm, toWav } from "./wav.js";

/** A recording stops by itself before it is larger than a server takes if nobody told it otherwise (32 MiB). */
const MOST_SAMPLES = 15 * 2 ** 20;

/** @type {WeakSet<File>} */
const recorded = new WeakSet();

export class Recorder {
  /** @type {Int16Array[]} */
  #blocks = [];
  #samples = 0;
  #context;
  #stream;
  #node;

  /**
   * Asks for the microphone and starts.
   * @param {(pcm: Int16Array, samples: Float32Array) => void} heard called for each block
   * @returns {Promise<Recorder>}
   */
  static async start(heard) {
    if (!navigator.mediaDevices) throw new DOMException("", "SecurityError");
    // The models learnt from recordings as they are; what browsers do for calls would change how a voice sounds.
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const stream = await navigator.mediaDevices.getUserMedia({ audio });
    const context = new AudioContext();
    await context.audioWorklet.addModule(new URL("./microphone-worklet.js", import.meta.url));
    return new Recorder(context, stream, heard);
  }

  /**
   * @param {AudioContext} context
   * @param {MediaStream} stream
   * @param {(pcm: Int16Array, samples: Float32Array) => void} heard
   */
  constructor(context, stream, heard) {
    this.#context = context;
    this.#stream = stream;
    this.#node = new AudioWorkletNode(context, "microphone", { numberOfOutputs: 0 });
    this.#node.port.onmessage = ({ data }) => {
      const pcm = toPcm(data);
      this.#blocks.push(pcm);
      this.#samples += pcm.length;
      heard(pcm, data);
    };
    context.createMediaStreamSource(stream).connect(this.#node);
  }

  /** The rate in Hz. */
  get rate() {
    return this.#context.sampleRate;
  }

  /** How much has been recorded, in seconds. */
  get seconds() {
    return this.#samples / this.rate;
  }

  /** Whether it has to stop now. */
  get full() {
    return this.#samples >= MOST_SAMPLES;
  }

  /**
   * Lets go of the microphone.
   * @returns {Promise<File>} all that was heard
   */
  async stop() {
    const last = new Promise((resolve) => this.#node.port.addEventListener("message", resolve, { once: true }));
    this.#node.port.postMessage("pass on what is left");
    await last;
    for (const track of this.#stream.getTracks()) track.stop();
    await this.#context.close();
    const time = new Date().toLocaleTimeString("en-GB").replaceAll(":", ".");
    const file = new File([toWav(this.#blocks, this.rate)], `recording ${time}.wav`, { type: "audio/wav" });
    recorded.add(file);
    return file;
  }
}

/**
 * Whether a file was recorded here, and nobody else has it.
 * @param {File} file
 * @returns {boolean}
 */
export function isRecorded(file) {
  return recorded.has(file);
}

/**
 * Why there is no microphone, and what to do, in plain words.
 * @param {unknown} error
 * @returns {string}
 */
export function whyNoMicrophone(error) {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError") return "The browser may not use the microphone. Allow it beside the page's address, then record again.";
  if (name === "NotFoundError") return "No microphone was found. Plug one in, or choose a file instead.";
  if (name === "SecurityError") return "Browsers give the microphone only to pages on this machine or over https. Choose a file instead.";
  return "The microphone could not be started; another program may be using it. Choose a file instead.";
}
