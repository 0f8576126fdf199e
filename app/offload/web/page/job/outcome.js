/**
 * How a job ended: with a result, or with an error and its facts.
 *
 * @typedef {import("../live/jobs.js").Job} Job
 */

import { copyButton } from "../parts/copy.js";
import { h, setText } from "../parts/dom.js";
import { download } from "../service/download.js";
import { bytes } from "../parts/format.js";
import { write } from "../service/json.js";

/** The head of a panel. @param {string} id @param {string} words @param {...HTMLElement} tools */
export const titled = (id, words, ...tools) => h("div", { class: "panel-head" }, h("h3", { id }, words), ...tools);

/** Tells why a job failed, once. @param {HTMLElement} place @param {Job} job */
export function showError(place, { error }) {
  place.hidden = !error;
  if (!error || place.childElementCount > 0) return;
  const told = [
    ["Exception", error.exception],
    ["Exit code", error.exit_code],
    ["Signal", error.signal],
  ].filter(([, value]) => value !== undefined);
  place.append(
    h("h3", { id: "error-title" }, error.title),
    h("p", { class: "job-error-detail" }, h("bdi", null, error.detail)),
    told.length > 0 &&
      h(
        "dl",
        { class: "facts" },
        ...told.flatMap(([name, value]) => [h("dt", null, name), h("dd", null, h("code", null, String(value)))]),
      ),
    error.traceback && h("pre", { class: "code", tabindex: "0", "aria-label": "Traceback" }, error.traceback.trimEnd()),
    h("p", { class: "panel-more" }, h("a", { href: error.type }, "What this means")),
  );
}

/** The result, as far as it can be shown. @param {string} path of the job */
export function resultPart(path) {
  const pre = h("pre", { class: "code", tabindex: "0", "aria-label": "Result" });
  const words = h("p", { class: "muted" });
  const problem = h("p", { class: "problem", role: "alert" });
  const copy = copyButton("Copy", () => pre.textContent ?? "", "Copy the result");
  const take = h("button", { type: "button", class: "quiet" }, "Download");
  take.addEventListener("click", async () => {
    setText(problem, "");
    await download(`${path}/result`, `${path.split("/").pop()}.json`).catch((error) => setText(problem, error.message));
  });
  const element = h(
    "section",
    { class: "panel", "aria-labelledby": "result-title", hidden: true },
    titled("result-title", "Result", copy, take),
    words,
    problem,
    pre,
  );
  return {
    element,
    /** @param {Job} job */
    wait({ state }) {
      element.hidden = state !== "succeeded";
    },
    /** @param {any} job read to the digit */
    show({ state, result, result_bytes }) {
      element.hidden = state !== "succeeded";
      const large = result === null && result_bytes > 4; // null itself has four letters
      pre.hidden = copy.hidden = large;
      setText(pre, large ? "" : write(result, ""));
      words.hidden = !large;
      setText(words, large ? `${bytes(result_bytes)} of JSON: too much to be shown here.` : "");
    },
  };
}
