/** Light or dark: as the system says, until somebody chooses. */

import { DARK, LIGHT } from "./palette.js";

const KEY = "affekt-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

/** @returns {import("./palette.js").Palette} the colours for canvas */
export function palette() {
  const chosen = document.documentElement.dataset.theme;
  return (chosen ? chosen === "dark" : system.matches) ? DARK : LIGHT;
}

/**
 * Wires the switch.
 * @param {HTMLElement} group holds a radio button for each of auto, light, dark
 * @param {() => void} changed called when the colours are others
 */
export function startTheme(group, changed) {
  const apply = (/** @type {string} */ theme) => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    changed();
  };
  const kept = localStorage.getItem(KEY) ?? "auto";
  for (const button of group.querySelectorAll("input")) {
    button.checked = button.value === kept;
    button.addEventListener("change", () => {
      localStorage.setItem(KEY, button.value);
      apply(button.value);
    });
  }
  system.addEventListener("change", changed);
  apply(kept);
}
