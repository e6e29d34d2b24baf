/** Scores while it is spoken, over a WebSocket. */

import { address, token } from "./api.js";

/**
 * @typedef {object} Stream
 * @property {(pcm: Int16Array) => void} send
 * @property {() => void} end
 */

/**
 * @param {{model: string, rate: number}} settings
 * @param {{window: (window: any) => void, failed: (message: string) => void}} told
 * @returns {Stream}
 */
export function stream({ model, rate }, { window, failed }) {
  const url = address("v1/stream");
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  // Browsers send no headers of the page's with a WebSocket, so the token comes beside the protocol.
  const socket = new WebSocket(url, ["affekt.v1", ...(token() ? [`affekt.token.${token()}`] : [])]);
  let ended = false;
  /** @type {ArrayBuffer[]} */
  const early = [];
  socket.addEventListener("open", () => {
    socket.send(JSON.stringify({ sampling_rate: rate, model }));
    for (const block of early) socket.send(block);
    early.length = 0;
  });
  socket.addEventListener("message", ({ data }) => {
    const said = JSON.parse(data);
    if (said.type === "window") window(said);
    else if (said.type === "error") {
      ended = true;
      failed(`No live scores: ${said.error.message}. The recording goes on and is heard whole at its end.`);
    }
  });
  socket.addEventListener("close", () => {
    if (!ended) failed("No live scores: the connection closed. The recording goes on and is heard whole at its end.");
    ended = true;
  });
  return {
    send: (pcm) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(pcm.buffer);
      else if (socket.readyState === WebSocket.CONNECTING) early.push(pcm.buffer);
    },
    end: () => {
      ended = true;
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: "end" }));
      else socket.close();
    },
  };
}
