/** Light or dark: as the system says, until somebody chooses. */

import { DARK, LIGHT } from "./palette.js";

const KEY = "affekt-theme";
const THEMES = ["auto", "light", "dark"];
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
  const kept = remembered();
  for (const button of group.querySelectorAll("input")) {
    button.checked = button.value === kept;
    button.addEventListener("change", () => {
      remember(button.value);
      apply(button.value);
    });
  }
  system.addEventListener("change", changed);
  apply(kept);
}

/** @returns {string} the theme that was chosen before; browsers may forbid pages to remember anything */
function remembered() {
  try {
    const kept = localStorage.getItem(KEY) ?? "auto";
    return THEMES.includes(kept) ? kept : "auto";
  } catch {
    return "auto";
  }
}

/** @param {string} theme */
function remember(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // It holds for this visit.
  }
}
