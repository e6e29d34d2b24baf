/** A recording as samples that can be drawn, if the browser can read it and it is not too long. */

import { length } from "./words.js";

/** What is decoded at: what the models hear. */
export const RATE = 16000;
const MOST_SECONDS = 20 * 60;
const MOST_BYTES = 256 * 2 ** 20;

/**
 * @typedef {object} Sound
 * @property {Float32Array | null} samples mono at 16 kHz; null where they cannot be drawn
 * @property {string} reason why there are none, in plain words
 */

/**
 * Decodes a file. What cannot be drawn still has a timeline, which the server makes.
 * @param {Blob} file
 * @param {number} seconds its length, as the server measured it
 * @returns {Promise<Sound>}
 */
export async function decode(file, seconds) {
  if (seconds > MOST_SECONDS || file.size > MOST_BYTES) {
    return {
      samples: null,
      reason: `At ${length(seconds)} this recording is too long to draw its sound here; the emotion over time below covers all of it.`,
    };
  }
  try {
    const context = new OfflineAudioContext(1, 1, RATE);
    return { samples: mixed(await context.decodeAudioData(await file.arrayBuffer())), reason: "" };
  } catch {
    return {
      samples: null,
      reason: "This browser cannot read this kind of file, so its sound is not drawn; the emotion over time below covers all of it.",
    };
  }
}

/**
 * The mean of the channels.
 * @param {AudioBuffer} buffer
 * @returns {Float32Array}
 */
function mixed(buffer) {
  const mono = new Float32Array(buffer.length);
  for (let channel = 0; channel < buffer.numberOfChannels; channel++) {
    const samples = buffer.getChannelData(channel);
    for (let index = 0; index < mono.length; index++) mono[index] += samples[index] / buffer.numberOfChannels;
  }
  return mono;
}
