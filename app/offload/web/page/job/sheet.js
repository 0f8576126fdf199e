/**
 * Everything that is known of a job, updated as it changes.
 *
 * @typedef {import("../live/jobs.js").Job} Job
 */

import { copyButton } from "../parts/copy.js";
import { h, setText } from "../parts/dom.js";
import { progressText, shortId, stateChip } from "../parts/job_summary.js";
import { panel } from "../parts/panel.js";
import { isFinal } from "../parts/states.js";
import { href } from "../route.js";
import { readExactJson } from "../service/api.js";
import { ResponseError } from "../service/errors.js";
import { write } from "../service/json.js";
import { actionBar } from "./actions.js";
import { curlPanel } from "./curl_lines.js";
import { logPanel } from "./log.js";
import { resultPanel, showError } from "./outcome.js";
import { factList, timeline } from "./timeline.js";

/** @param {Job} initial */
export function jobSheet(initial) {
  let job = initial;
  const path = `/jobs/${initial.id}`;
  const chip = stateChip();
  const status = h("p", { class: "visually-hidden", role: "status" });
  const problem = h("p", { class: "problem", role: "alert" });
  const actions = actionBar(() => job, path, problem);
  const progress = progressBar();
  const steps = timeline();
  const facts = factList();
  const error = h("section", { class: "panel job-error", "aria-labelledby": "error-title", hidden: true });
  const params = h("pre", { class: "code", tabindex: "0", "aria-label": "Parameters" }, write(initial.params, ""));
  const result = resultPanel(path);
  const log = logPanel(path);
  const curl = curlPanel(path);
  const copyParams = copyButton("Copy", () => params.textContent ?? "", "Copy the parameters");
  /** The state in which parameters and result were last loaded. */
  let loadedState = "";

  return {
    element: h(
      "div",
      { class: "job" },
      h(
        "header",
        { class: "job-head" },
        h("h2", null, h("bdi", null, initial.task), " ", h("span", { class: "short-id" }, shortId(initial))),
        chip.element,
        actions.element,
      ),
      identity(initial),
      problem,
      status,
      progress.element,
      error,
      h(
        "div",
        { class: "job-columns" },
        h(
          "div",
          { class: "job-main" },
          result.element,
          log.element,
          panel("params-title", "Parameters", params, copyParams),
          curl.element,
        ),
        h(
          "div",
          { class: "job-side" },
          panel("story-title", "Story", steps.element),
          panel("facts-title", "Facts", facts.element),
        ),
      ),
    ),
    /** @param {Job} latest */
    update(latest) {
      if (isFinal(latest) && !isFinal(job)) {
        status.textContent = `The job ${latest.state === "cancelled" ? "was cancelled" : latest.state}.`;
      }
      job = latest;
      document.title = `${job.task} ${shortId(job)}, ${job.state} · Offload`;
      chip.update(job.state);
      actions.update();
      progress.update(job);
      steps.update(job);
      facts.update(job);
      curl.update(job);
      showError(error, job);
      if (isFinal(job)) log.load(job);
      if (loadedState !== job.state) loadExact(job.state);
    },
    tick() {
      log.load(job); // also after a request that failed
      if (job.state !== "running") return;
      steps.update(job);
      facts.update(job);
    },
  };

  /**
   * Loads parameters and result with exact numbers: `JSON.parse`, which reads events, rounds them.
   * @param {string} state
   */
  async function loadExact(state) {
    const isFirst = loadedState === "";
    loadedState = state;
    result.expect(job);
    if (!isFirst && state !== "succeeded") return;
    try {
      const exact = await readExactJson(path);
      setText(params, write(exact.params, ""));
      result.show(exact);
    } catch (error) {
      // The event stream reports a job that was deleted.
      if (error instanceof ResponseError && error.status === 404) return;
      result.fail(/** @type {Error} */ (error));
    }
  }
}

/** The job's id, owner, batch and labels. @param {Job} job */
function identity({ id, owner, batch_id, labels }) {
  return h(
    "p",
    { class: "job-about" },
    h("code", { class: "job-id" }, id),
    copyButton("Copy", () => id, "Copy the id"),
    owner !== null && h("span", null, "of ", h("bdi", { class: "name" }, owner)),
    batch_id !== null && h("a", { href: href({ view: "batches", batch: batch_id }) }, "Its batch"),
    ...labels.map((/** @type {string} */ label) =>
      h("a", { class: "label", href: href({ view: "jobs", label }) }, h("bdi", null, label)),
    ),
  );
}

function progressBar() {
  const bar = h("progress", { max: "1", "aria-label": "Progress" });
  const text = h("span", { class: "muted" });
  const element = h("div", { class: "job-progress" }, bar, text);
  return {
    element,
    /** @param {Job} job */
    update(job) {
      const fraction = job.progress?.fraction ?? null;
      element.hidden = job.state !== "running" || !job.progress;
      bar.hidden = fraction === null;
      if (fraction !== null) bar.value = fraction;
      setText(text, progressText(job));
    },
  };
}
