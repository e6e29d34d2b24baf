/**
 * A model card as elements: headings, paragraphs, lists, tables, `code`, **bold**. All else, HTML and links among it,
 * stays text: a card comes with a model, and a model may come from anywhere.
 */

import { make } from "./dom.js";

const MOST_LINES = 2000;

/**
 * @param {string} text Markdown, perhaps with metadata in front
 * @returns {Node[]}
 */
export function rendered(text) {
  const lines = text.replace(/^---\r?\n[\s\S]*?\r?\n---\r?\n/, "").split(/\r?\n/).slice(0, MOST_LINES);
  const nodes = [];
  for (let at = 0; at < lines.length; ) {
    const kind = kindOf(lines[at]);
    let end = at + 1;
    while (kind !== "heading" && end < lines.length && continues(kind, lines[end])) end++;
    if (kind !== "blank") nodes.push(block(kind, lines.slice(at, end)));
    at = end;
  }
  return nodes;
}

/** @param {string} line */
function kindOf(line) {
  if (!line.trim()) return "blank";
  if (/^#{1,6} /.test(line)) return "heading";
  if (/^\s*[-*] /.test(line)) return "list";
  return line.trimStart().startsWith("|") ? "table" : "paragraph";
}

/**
 * @param {string} kind
 * @param {string} line
 */
function continues(kind, line) {
  const next = kindOf(line);
  return next === kind || (kind === "list" && next === "paragraph");
}

/**
 * @param {string} kind
 * @param {string[]} lines
 * @returns {Node}
 */
function block(kind, lines) {
  if (kind === "heading") {
    const [, signs, words] = /** @type {RegExpMatchArray} */ (lines[0].match(/^(#+) (.*)$/));
    // The card stands in a section of the page, under its h2.
    return make(`h${Math.min(6, signs.length + 2)}`, {}, ...inline(words));
  }
  if (kind === "list") {
    const items = lines.join("\n").split(/^\s*[-*] /m).slice(1);
    return make("ul", {}, ...items.map((item) => make("li", {}, ...inline(item.replace(/\s+/g, " ").trim()))));
  }
  if (kind === "table") return table(lines);
  return make("p", {}, ...inline(lines.join(" ")));
}

/** @param {string[]} lines */
function table(lines) {
  const cells = lines.map((line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim()));
  const [head, ...rows] = cells.filter((row) => !row.every((cell) => /^:?-+:?$/.test(cell)));
  return make(
    "div",
    { class: "scrolls", tabindex: 0, role: "group", "aria-label": (head ?? []).join(", ") },
    make(
      "table",
      { class: "numbers" },
      make("thead", {}, make("tr", {}, ...(head ?? []).map((cell) => make("th", { scope: "col" }, ...inline(cell))))),
      make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, ...inline(cell)))))),
    ),
  );
}

/**
 * @param {string} text
 * @returns {Array<Node | string>}
 */
function inline(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => {
    if (/^`[^`]+`$/.test(part)) return make("code", {}, part.slice(1, -1));
    return /^\*\*[^*]+\*\*$/.test(part) ? make("b", {}, part.slice(2, -2)) : part;
  });
}
