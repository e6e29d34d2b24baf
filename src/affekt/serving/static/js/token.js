/** The dialog that asks for a token, once for all requests that wait for it. */

import { Refusal } from "./api.js";
import { byId } from "./dom.js";

/** @returns {() => Promise<string>} asks; rejects where somebody cancels */
export function asksForToken() {
  const dialog = byId("token-dialog");
  const field = byId("token");
  /** @type {Promise<string> | null} */
  let asking = null;
  let given = "";
  let asked = false;
  byId("token-form").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    given = field.value.trim();
    dialog.close();
  });
  byId("token-cancel").addEventListener("click", () => dialog.close());

  return () => {
    asking ??= new Promise((resolve, reject) => {
      field.value = given = "";
      // Asked again in the same tab: what was given before was refused.
      byId("token-wrong").hidden = !asked;
      asked = true;
      dialog.showModal();
      dialog.addEventListener("close", () => {
        asking = null;
        if (given) resolve(given);
        else reject(new Refusal(401, "This server asks for a token; load the page again to give one."));
      }, { once: true });
    });
    return asking;
  };
}
