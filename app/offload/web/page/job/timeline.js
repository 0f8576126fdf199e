/**
 * The steps of a job with their times, and its other facts.
 *
 * @typedef {import("../live/jobs.js").Job} Job
 */

import { h, keyedRows, setText } from "../parts/dom.js";
import { bytes, duration, fullTime, number, timeOf } from "../parts/format.js";
import { runTime } from "../parts/job_summary.js";

/** @typedef {{name: string, at: string | null, text: string, note: string, state: string}} Step */

const ENDINGS = { succeeded: "Succeeded", failed: "Failed", cancelled: "Cancelled" };

/** Makes the list of a job's steps. */
export function timeline() {
  const list = h("ol", { class: "story" });
  const rows = keyedRows(list, (/** @type {Step} */ { name }) => name, stepRow);
  return { element: list, update: (/** @type {Job} */ job) => rows(steps(job)) };
}

/** @param {Job} job @returns {Step[]} */
function steps(job) {
  const { state, attempt, max_attempts, position, created_at, started_at, finished_at, error } = job;
  /** @type {Step[]} */
  const list = [{ name: "accepted", at: created_at, text: "Accepted", note: "", state: "queued" }];
  const lost = attempt - (state === "queued" ? 0 : 1);
  if (lost > 0) {
    const text = lost === 1 ? "Attempt 1 was lost" : `Attempts 1 to ${lost} were lost`;
    list.push({
      name: "lost",
      at: null,
      text,
      note: "The worker was lost or the service stopped",
      state: "cancelled",
    });
  }
  if (started_at) {
    const waited = (Date.parse(started_at) - Date.parse(created_at)) / 1000;
    list.push({
      name: "started",
      at: started_at,
      text: `Attempt ${attempt} of ${max_attempts} started`,
      note: lost > 0 ? "" : `after ${duration(Math.max(0, waited))}`,
      state: "running",
    });
  }
  if (state === "queued") {
    list.push({
      name: "queued",
      at: null,
      text: "Waiting for a lane",
      note: position === null ? "" : position === 0 ? "Next in the queue" : `About ${number(position)} jobs ahead`,
      state,
    });
  } else if (state === "running") {
    list.push({ name: "running", at: null, text: "Running", note: `for ${runTime(job)}`, state });
  } else {
    const ran = runTime(job);
    const note = [error?.title, ran && `${state === "succeeded" ? "in" : "after"} ${ran}`].filter(Boolean).join(", ");
    list.push({
      name: "ended",
      at: finished_at,
      text: ENDINGS[/** @type {keyof typeof ENDINGS} */ (state)],
      note,
      state,
    });
  }
  return list;
}

/** @param {Step} step */
function stepRow({ state }) {
  const text = h("span", { class: "state", "data-state": state });
  const at = h("time", { class: "muted" });
  const note = h("span", { class: "story-more" });
  return {
    element: h("li", null, text, at, note),
    /** @param {Step} step */
    update(step) {
      setText(text, step.text);
      setText(note, step.note);
      setText(at, step.at ? timeOf(step.at) : "");
      if (step.at && at.dateTime !== step.at) {
        at.dateTime = step.at;
        at.title = fullTime(step.at);
      }
    },
  };
}

const FACTS = ["Run time", "CPU time", "Peak memory", "Attempts", "Priority", "Time limit", "Memory limit"];

/** Makes the list of a job's facts. */
export function factList() {
  const values = FACTS.map(() => h("dd", null, "–"));
  return {
    element: h("dl", { class: "facts" }, ...FACTS.flatMap((name, index) => [h("dt", null, name), values[index]])),
    /** @param {Job} job */
    update(job) {
      const { usage, attempt, max_attempts, priority, timeout_s, memory_mb } = job;
      const texts = [
        usage && runTime(job),
        usage?.cpu_s != null && duration(usage.cpu_s),
        usage?.peak_rss_bytes != null && bytes(usage.peak_rss_bytes),
        `${attempt} of ${max_attempts}`,
        String(priority).replace("-", "−"),
        duration(timeout_s),
        bytes(memory_mb * 2 ** 20),
      ];
      texts.forEach((text, index) => setText(values[index], text || "–"));
    },
  };
}
