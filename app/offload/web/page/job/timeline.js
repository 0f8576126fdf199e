/**
 * What happened to a job and when, and what is known of it.
 *
 * @typedef {import("../live/jobs.js").Job} Job
 */

import { h, keyedRows, setText } from "../parts/dom.js";
import { bytes, duration, exactly, number, when } from "../parts/format.js";
import { ranFor } from "../parts/job_summary.js";

/** @typedef {{name: string, at: string | null, words: string, more: string, state: string}} Step */

const ENDINGS = { succeeded: "Succeeded", failed: "Failed", cancelled: "Cancelled" };

/** The steps of a job, in their order. */
export function story() {
  const list = h("ol", { class: "story" });
  const rows = keyedRows(list, (/** @type {Step} */ { name }) => name, stepRow);
  return { element: list, update: (/** @type {Job} */ job) => rows(steps(job)) };
}

/** @param {Job} job @returns {Step[]} */
function steps(job) {
  const { state, attempt, max_attempts, position, created_at, started_at, finished_at, error } = job;
  /** @type {Step[]} */
  const told = [{ name: "accepted", at: created_at, words: "Accepted", more: "", state: "queued" }];
  const lost = attempt - (state === "queued" ? 0 : 1);
  if (lost > 0) {
    const words = lost === 1 ? "Attempt 1 was lost" : `Attempts 1 to ${lost} were lost`;
    told.push({
      name: "lost",
      at: null,
      words,
      more: "Not through the task’s fault: the worker was gone, or the service was stopped",
      state: "cancelled",
    });
  }
  if (started_at) {
    const waited = (Date.parse(started_at) - Date.parse(created_at)) / 1000;
    told.push({
      name: "started",
      at: started_at,
      words: `Attempt ${attempt} of ${max_attempts} started`,
      more: lost > 0 ? "" : `after ${duration(Math.max(0, waited))}`,
      state: "running",
    });
  }
  if (state === "queued") {
    told.push({
      name: "queued",
      at: null,
      words: "Waits for a lane",
      more: position === null ? "" : position === 0 ? "It is next" : `About ${number(position)} go before it`,
      state,
    });
  } else if (state === "running") {
    told.push({ name: "running", at: null, words: "Runs", more: `for ${ranFor(job)}`, state });
  } else {
    const ran = ranFor(job);
    const more = [error?.title, ran && `${state === "succeeded" ? "in" : "after"} ${ran}`].filter(Boolean).join(", ");
    told.push({
      name: "ended",
      at: finished_at,
      words: ENDINGS[/** @type {keyof typeof ENDINGS} */ (state)],
      more,
      state,
    });
  }
  return told;
}

/** @param {Step} step */
function stepRow({ state }) {
  const words = h("span", { class: "state", "data-state": state });
  const at = h("time", { class: "muted" });
  const more = h("span", { class: "story-more" });
  return {
    element: h("li", null, words, at, more),
    /** @param {Step} step */
    update(step) {
      setText(words, step.words);
      setText(more, step.more);
      setText(at, step.at ? when(step.at) : "");
      if (step.at && at.dateTime !== step.at) {
        at.dateTime = step.at;
        at.title = exactly(step.at);
      }
    },
  };
}

const FACTS = ["Run time", "CPU time", "Peak memory", "Attempts", "Priority", "Time limit", "Memory limit"];

/** What is known of a job, as far as it is. */
export function facts() {
  const values = FACTS.map(() => h("dd", null, "–"));
  return {
    element: h("dl", { class: "facts" }, ...FACTS.flatMap((name, at) => [h("dt", null, name), values[at]])),
    /** @param {Job} job */
    update(job) {
      const { usage, attempt, max_attempts, priority, timeout_s, memory_mb } = job;
      const told = [
        usage && ranFor(job),
        usage?.cpu_s != null && duration(usage.cpu_s),
        usage?.peak_rss_bytes != null && bytes(usage.peak_rss_bytes),
        `${attempt} of ${max_attempts}`,
        String(priority).replace("-", "−"),
        duration(timeout_s),
        bytes(memory_mb * 2 ** 20),
      ];
      told.forEach((words, at) => setText(values[at], words || "–"));
    },
  };
}
