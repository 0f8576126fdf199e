/**
 * The curl command lines that read a job, its events, log and result.
 */

import { copyButton } from "../parts/copy.js";
import { h } from "../parts/dom.js";
import { panelHead } from "../parts/panel.js";
import { isFinal } from "../parts/states.js";
import { curlLine } from "../service/curl.js";
import { hasKey } from "../service/key.js";

/** @param {string} path of the job */
export function curlPanel(path) {
  const job = row("This job", path);
  const events = row("Its events", `${path}/events`);
  const logs = row("Its log", `${path}/logs`);
  const result = row("Its result", `${path}/result`);
  const head = panelHead("curl-title", "With curl");
  return {
    element: h("section", { class: "panel", "aria-labelledby": "curl-title" }, head, job, events, logs, result),
    /** @param {import("../live/jobs.js").Job} latest */
    update(latest) {
      result.hidden = isFinal(latest) && latest.state !== "succeeded";
    },
  };
}

/** @param {string} subject @param {string} path */
function row(subject, path) {
  const line = curlLine(path, { keyed: hasKey() });
  return h(
    "div",
    { class: "curl-row" },
    h("span", { class: "muted" }, subject),
    h("code", { class: "curl-line" }, line),
    copyButton("Copy", () => line, `Copy the curl line: ${subject}`),
  );
}
