/** The discrete Fourier transform of real frames, in place, radix two (Cooley and Tukey 1965). */

export class Fft {
  /** @param {number} size a power of two */
  constructor(size) {
    if (size < 2 || size & (size - 1)) throw new RangeError(`${size} is not a power of two`);
    this.size = size;
    this.real = new Float64Array(size);
    this.imaginary = new Float64Array(size);
    this.cosines = Float64Array.from({ length: size / 2 }, (_, k) => Math.cos((2 * Math.PI * k) / size));
    this.sines = Float64Array.from({ length: size / 2 }, (_, k) => -Math.sin((2 * Math.PI * k) / size));
    const bits = Math.log2(size);
    this.order = Uint32Array.from({ length: size }, (_, index) => {
      let reversed = 0;
      for (let bit = 0; bit < bits; bit++) reversed |= ((index >> bit) & 1) << (bits - 1 - bit);
      return reversed;
    });
  }

  /**
   * The power at each frequency from zero to half the rate.
   * @param {ArrayLike<number>} frame at most `size` samples; zeros follow
   * @param {Float64Array} power [size / 2 + 1], written
   */
  power(frame, power) {
    const { size, real, imaginary } = this;
    for (let index = 0; index < size; index++) real[this.order[index]] = frame[index] ?? 0;
    imaginary.fill(0);
    for (let half = 1; half < size; half *= 2) this.#butterflies(half);
    for (let bin = 0; bin <= size / 2; bin++) power[bin] = real[bin] ** 2 + imaginary[bin] ** 2;
  }

  /** @param {number} half */
  #butterflies(half) {
    const { size, real, imaginary, cosines, sines } = this;
    const step = size / (2 * half);
    for (let start = 0; start < size; start += 2 * half) {
      for (let offset = 0; offset < half; offset++) {
        const low = start + offset;
        const high = low + half;
        const cosine = cosines[offset * step];
        const sine = sines[offset * step];
        const turnedReal = real[high] * cosine - imaginary[high] * sine;
        const turnedImaginary = real[high] * sine + imaginary[high] * cosine;
        real[high] = real[low] - turnedReal;
        imaginary[high] = imaginary[low] - turnedImaginary;
        real[low] += turnedReal;
        imaginary[low] += turnedImaginary;
      }
    }
  }
}
