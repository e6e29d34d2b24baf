/** The model chooser, and what is known of the model: how right it is, its licences, its card. */

import { models } from "./api.js";
import { byId, make } from "./dom.js";
import { rendered } from "./markdown.js";
import { percent, spoken } from "./words.js";

/** @type {Record<string, string>} */
const METRICS = { uar: "mean share right per emotion", wa: "share right", macro_f1: "macro F1", ece: "calibration error",
  coverage: "label sets that hold the truth" };

export class Models {
  /** @type {any[]} */
  #all = [];

  /** @param {() => void} changed called when another model is chosen */
  constructor(changed) {
    this.select = byId("model");
    this.select.addEventListener("change", () => {
      this.#show();
      changed();
    });
  }

  async load() {
    this.#all = await models();
    this.select.replaceChildren(...this.#all.map(({ name }) => make("option", { value: name }, name)));
    this.select.value = (this.#all.find((model) => model.default) ?? this.#all[0]).name;
    this.select.disabled = false;
    this.#show();
  }

  /** The chosen one; null before they are known. */
  get chosen() {
    return this.#all.find(({ name }) => name === this.select.value) ?? null;
  }

  #show() {
    const model = this.chosen;
    const count = model.labels.length;
    const calibrated = model.calibrated
      ? "Its scores are calibrated: of those near 90 %, about nine in ten are right, on speech like that it was tested on."
      : "Its scores are not calibrated: 90 % does not mean right nine times in ten.";
    byId("model-line").textContent =
      `${model.name} (${model.system}) tells ${count} emotions apart: ${model.labels.map(spoken).join(", ")}. ${calibrated}`;
    byId("metrics").replaceChildren(...metrics(model.metrics));
    byId("licences").textContent = `Licences: ${model.licences.map(licence).join("; ")}.`;
    byId("card").replaceChildren(...rendered(model.card));
  }
}

/** @param {any} one */
function licence({ name, licence: terms, non_commercial }) {
  const plain = non_commercial && !/non-?commercial/i.test(terms);
  return `${name}: ${terms}${plain ? " (non-commercial)" : ""}`;
}

/**
 * Figures as dots on a scale from 0 to 100 %, with their intervals.
 * @param {Record<string, {value: number, low: number | null, high: number | null}>} figures
 * @returns {Node[]}
 */
function metrics(figures) {
  const names = Object.keys(figures);
  if (!names.length) {
    return [make("p", {}, "This model says nothing of how right it is. Test it on speakers it has not heard: affekt evaluate.")];
  }
  const head = make("tr", {}, ...["tested on", "figure", "value and 95 % interval", ""].map((title) =>
    (title ? make("th", { scope: "col" }, title) : make("td", {}))));
  const rows = names.map((name) => row(name, figures[name]));
  return [
    make("div", { class: "scrolls", role: "group", tabindex: 0, "aria-label": "Figures of the model" },
      make("table", { class: "numbers figures" }, make("thead", {}, head), make("tbody", {}, ...rows))),
    make("p", { class: "hint" }, "The scale runs from 0 to 100 %. Intervals come from drawing speakers anew; how each figure was measured stands in the card."),
  ];
}

/**
 * @param {string} name such as emodb.loso.uar, or ece.before of all corpora together
 * @param {{value: number, low: number | null, high: number | null}} figure
 */
function row(name, { value, low, high }) {
  const parts = name.split(".");
  const known = parts.findIndex((part) => METRICS[part]);
  const [metric, ...how] = parts.splice(known < 0 ? parts.length - 1 : known);
  const figure = [METRICS[metric] ? `${METRICS[metric]} (${metric})` : metric, ...how.map(spoken)].join(", ");
  const dot = make("span", { class: "dot" });
  dot.style.setProperty("--share", String(value));
  const range = make("span", { class: "range" });
  range.style.setProperty("--low", String(low ?? value));
  range.style.setProperty("--high", String(high ?? value));
  const interval = low === null || high === null ? "no interval" : `${percent(low)} to ${percent(high)}`;
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, parts.map(spoken).join(", ") || "all together"),
    make("td", {}, figure),
    make("td", { class: "value" }, make("b", {}, percent(value)), ` ${interval}`),
    make("td", { class: "scale-cell", "aria-hidden": "true" }, make("span", { class: "scale" }, range, dot)),
  );
}
