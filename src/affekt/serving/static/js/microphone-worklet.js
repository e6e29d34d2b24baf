/** Runs on the audio thread: passes what the microphone hears on in blocks of 2048 samples, mono. */

const BLOCK = 2048;

class Microphone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Float32Array(BLOCK);
    this.filled = 0;
    this.port.onmessage = () => this.#pass();
  }

  /** @param {Float32Array[][]} inputs */
  process([channels]) {
    for (let index = 0; index < (channels[0]?.length ?? 0); index++) {
      let sum = 0;
      for (const channel of channels) sum += channel[index];
      this.block[this.filled++] = sum / channels.length;
      if (this.filled === BLOCK) this.#pass();
    }
    return true;
  }

  #pass() {
    const block = this.block.slice(0, this.filled);
    this.port.postMessage(block, [block.buffer]);
    this.filled = 0;
  }
}

registerProcessor("microphone", Microphone);
