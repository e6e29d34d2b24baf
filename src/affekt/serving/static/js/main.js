/** Puts the page together. */

import { onTokenWanted, Refusal } from "./api.js";
import { byId } from "./dom.js";
import { save, toCsv, toJson } from "./files-of-results.js";
import { startDrop } from "./drop.js";
import { Live } from "./live.js";
import { Models } from "./model.js";
import { Recordings } from "./recordings.js";
import { Result } from "./result.js";
import { startTheme } from "./theme.js";
import { asksForToken } from "./token.js";

const result = new Result(() => Boolean(models.chosen?.calibrated));
const recordings = new Recordings({ model: () => byId("model").value, selected: (recording) => result.show(recording) });
const models = new Models(() => recordings.again());

/** @param {string} message */
function notice(message) {
  byId("notice").textContent = message;
  byId("notice").hidden = !message;
}

/** @param {Iterable<File>} files */
function take(files) {
  notice("");
  recordings.add(files);
}

startTheme(byId("theme"), () => result.redraw());
onTokenWanted(asksForToken());
byId("all-csv").addEventListener("click", () => save(toCsv(recordings.results), "affekt.csv"));
byId("all-json").addEventListener("click", () => save(toJson(byId("model").value, recordings.results), "affekt.json"));
const here = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
byId("privacy").textContent = here
  ? "Everything stays on this machine: recordings are not kept."
  : `Recordings go to ${location.hostname} alone, and are not kept.`;

try {
  await models.load();
  new Live({ model: () => models.chosen, recorded: (file) => take([file]), failed: notice });
  startDrop(take);
  for (const id of ["record", "choose"]) byId(id).disabled = false;
  document.body.dataset.ready = "true";
} catch (error) {
  notice(error instanceof Refusal ? error.message : "The page could not start; load it again.");
}
