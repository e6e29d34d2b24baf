/** What the page asks of the server. */

const TOKEN = "affekt-token";
const MOST_TRIES = 6;

/** A request that was not answered, in words for people. */
export class Refusal extends Error {
  /**
   * @param {number} status 0 where the server could not be reached
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** @type {() => Promise<string>} */
let askForToken = () => Promise.reject(new Refusal(401, "This server wants a token."));

/**
 * Sets who is asked when the server wants a token.
 * @param {() => Promise<string>} ask
 */
export function onTokenWanted(ask) {
  askForToken = ask;
}

/** The token given in this tab; none is kept after it is closed. */
export function token() {
  return sessionStorage.getItem(TOKEN) ?? "";
}

/**
 * @param {string} path such as v1/models
 * @param {Record<string, string>} [query]
 * @returns {URL} beside the page, so that it works under any path
 */
export function address(path, query = {}) {
  const url = new URL(path, document.baseURI);
  for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
  return url;
}

/** @returns {Promise<any[]>} the models that this server runs, the default one first */
export async function models() {
  return (await asked(address("v1/models"), {})).models;
}

/**
 * The result of one recording, with its timeline.
 * @param {File} file
 * @param {string} model
 * @param {{signal: AbortSignal, waiting: (seconds: number) => void}} options `waiting` hears of a busy server
 * @returns {Promise<any>}
 */
export async function predict(file, model, { signal, waiting }) {
  const url = address("v1/predict", { model, timeline: "true" });
  const answer = await asked(url, { method: "POST", body: form(file), signal }, waiting);
  return answer.results[0];
}

/**
 * What decided, as a map over time and frequency.
 * @param {File} file
 * @param {string} model
 * @param {AbortSignal} signal
 * @returns {Promise<any>}
 */
export async function explain(file, model, signal) {
  return asked(address("v1/explain", { model }), { method: "POST", body: form(file), signal });
}

/** @param {File} file */
function form(file) {
  const body = new FormData();
  body.append("file", file, file.name);
  return body;
}

/**
 * Asks, waits where the server is busy, and asks for a token where it wants one.
 * @param {URL} url
 * @param {RequestInit} options
 * @param {(seconds: number) => void} [waiting]
 * @returns {Promise<any>}
 */
async function asked(url, options, waiting = () => {}) {
  for (let tries = 1; ; tries++) {
    const headers = token() ? { Authorization: `Bearer ${token()}` } : undefined;
    const response = await reached(url, { ...options, headers });
    if (response.ok) return response.json();
    if (response.status === 401) {
      sessionStorage.setItem(TOKEN, await askForToken());
    } else if (response.status === 429 && tries < MOST_TRIES) {
      const seconds = Math.min(60, Number(response.headers.get("Retry-After")) || 1);
      waiting(seconds);
      await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
      options.signal?.throwIfAborted();
    } else {
      throw new Refusal(response.status, await reason(response));
    }
  }
}

/**
 * @param {URL} url
 * @param {RequestInit} options
 */
async function reached(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    // A server that refuses a large body may close the connection before all of it is sent.
    throw new Refusal(0, "The server did not answer. It may have stopped, or the file is larger than it takes.");
  }
}

/** @type {Record<number, string>} */
const REASONS = {
  413: "The file is larger than this server takes.",
  415: "The server does not take this kind of file.",
  429: "The server is busy; try again in a while.",
  503: "The server is starting or stopping; try again in a while.",
};

/** @param {Response} response */
async function reason(response) {
  const said = await response.json().catch(() => null);
  return said?.error?.message ?? REASONS[response.status] ?? `The server failed (status ${response.status}).`;
}
