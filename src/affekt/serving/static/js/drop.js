/** Recordings chosen, dropped anywhere on the page, or pasted. */

import { byId } from "./dom.js";

/** @param {(files: File[]) => void} taken */
export function startDrop(taken) {
  const choose = byId("choose");
  const veil = byId("veil");
  let depth = 0;
  choose.addEventListener("change", () => {
    taken([...choose.files]);
    // The same file may be chosen again.
    choose.value = "";
  });
  addEventListener("dragenter", (event) => {
    if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
    depth++;
    veil.hidden = false;
  });
  addEventListener("dragleave", () => {
    depth = Math.max(0, depth - 1);
    veil.hidden = depth === 0;
  });
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    veil.hidden = true;
    if (event.dataTransfer?.files.length) taken([...event.dataTransfer.files]);
  });
  addEventListener("paste", (event) => {
    if (event.clipboardData?.files.length) taken([...event.clipboardData.files]);
  });
}
