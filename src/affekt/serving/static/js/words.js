/** Numbers as people read them. */

/**
 * Seconds as a place in a recording: 0:03.4, or 1:02:03 where tenths no longer matter.
 * @param {number} seconds
 * @param {boolean} [tenths]
 * @returns {string}
 */
export function clock(seconds, tenths = true) {
  const units = tenths ? 10 : 1;
  const whole = Math.round(Math.max(0, seconds) * units) / units;
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const rest = (whole % 60).toFixed(tenths ? 1 : 0).padStart(tenths ? 4 : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/**
 * A length in words: 3.4 s, 12 min 5 s, 1 h 2 min.
 * @param {number} seconds
 * @returns {string}
 */
export function length(seconds) {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor(whole / 60) % 60} min`;
}

/**
 * A share of one in per cent.
 * @param {number} share
 * @returns {string}
 */
export function percent(share) {
  return `${Math.round(share * 100)} %`;
}

/**
 * A frequency: 350 Hz, 2.1 kHz.
 * @param {number} hertz
 * @returns {string}
 */
export function pitch(hertz) {
  return hertz < 1000 ? `${Math.round(hertz)} Hz` : `${(hertz / 1000).toFixed(1)} kHz`;
}

/**
 * A name in sentences: no_speech becomes "no speech".
 * @param {string} label
 * @returns {string}
 */
export function spoken(label) {
  return label.replaceAll("_", " ");
}
