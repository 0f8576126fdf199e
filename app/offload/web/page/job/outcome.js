/**
 * How a job ended: with a result or with an error.
 *
 * @typedef {import("../live/jobs.js").Job} Job
 */

import { copyButton } from "../parts/copy.js";
import { h, setText } from "../parts/dom.js";
import { bytes } from "../parts/format.js";
import { panelHead } from "../parts/panel.js";
import { download } from "../service/download.js";
import { write } from "../service/json.js";

/** Fills `panel` with the job's error, once there is one. @param {HTMLElement} panel @param {Job} job */
export function showError(panel, { error }) {
  panel.hidden = !error;
  if (!error || panel.childElementCount > 0) return;
  const known = [
    ["Exception", error.exception],
    ["Exit code", error.exit_code],
    ["Signal", error.signal],
  ].filter(([, value]) => value !== undefined);
  panel.append(
    h("h3", { id: "error-title" }, error.title),
    h("p", { class: "job-error-detail" }, h("bdi", null, error.detail)),
    known.length > 0 &&
      h(
        "dl",
        { class: "facts" },
        ...known.flatMap(([name, value]) => [h("dt", null, name), h("dd", null, h("code", null, String(value)))]),
      ),
    error.traceback && h("pre", { class: "code", tabindex: "0", "aria-label": "Traceback" }, error.traceback.trimEnd()),
    h("p", { class: "panel-more" }, h("a", { href: error.type }, "What this means")),
  );
}

/** Makes the panel of the result. @param {string} path of the job */
export function resultPanel(path) {
  const pre = h("pre", { class: "code", tabindex: "0", "aria-label": "Result" });
  const note = h("p", { class: "muted" });
  const problem = h("p", { class: "problem", role: "alert" });
  const copy = copyButton("Copy", () => pre.textContent ?? "", "Copy the result");
  const save = h("button", { type: "button", class: "quiet" }, "Download");
  save.addEventListener("click", async () => {
    setText(problem, "");
    await download(`${path}/result`, `${path.split("/").pop()}.json`).catch((error) => setText(problem, error.message));
  });
  const element = h(
    "section",
    { class: "panel", "aria-labelledby": "result-title", hidden: true },
    panelHead("result-title", "Result", copy, save),
    note,
    problem,
    pre,
  );
  return {
    element,
    /** Shows the panel before the result has been loaded. @param {Job} job */
    expect({ state }) {
      element.hidden = state !== "succeeded";
    },
    /** @param {Error} error of the request that reads the result */
    fail: (error) => setText(problem, error.message),
    /** @param {any} job with exact numbers: see `readExactJson` */
    show({ state, result, result_bytes }) {
      element.hidden = state !== "succeeded";
      setText(problem, "");
      const large = result === null && result_bytes > 4; // the JSON text of null has four bytes
      pre.hidden = copy.hidden = large;
      setText(pre, large ? "" : write(result, ""));
      note.hidden = !large;
      setText(note, large ? `${bytes(result_bytes)} of JSON: too large to show here.` : "");
    },
  };
}
