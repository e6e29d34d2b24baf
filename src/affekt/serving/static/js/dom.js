/** Elements without HTML strings: whatever a file, a model or a server says goes in as text. */

/**
 * Makes an element.
 * @param {string} name its tag
 * @param {Record<string, string | number | boolean>} [attributes] false leaves one out, true sets it empty
 * @param {...(Node | string)} children strings become text
 * @returns {HTMLElement}
 */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== false) element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children);
  return element;
}

/**
 * The element with this id; every id asked for stands in index.html.
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no element #${id} in the page`);
  return found;
}

/**
 * Says something to screen readers once they have finished what they read.
 * @param {string} text
 */
export function announce(text) {
  byId("announcements").textContent = text;
}
