/**
 * The lanes: the job that each one runs, its progress and how long it has run.
 */

import { onJobChanges } from "../live/jobs.js";
import { h, keyedRows, setAttribute, setText } from "../parts/dom.js";
import { duration } from "../parts/format.js";
import { paramsSummary, progressText } from "../parts/job_summary.js";
import { href } from "../route.js";
import { readJson } from "../service/api.js";

/** @typedef {import("../live/jobs.js").Job} Job */

/** A job that has run for less is not loaded: it may have ended before the response. */
const LOAD_AFTER_S = 0.5;

export function lanePanel() {
  const list = h("ol", { class: "lanes" }, h("li", { class: "muted" }, "Loading…"));
  const element = h(
    "section",
    { class: "panel lanes-panel", "aria-labelledby": "lanes-title" },
    h("h3", { id: "lanes-title" }, "Lanes"),
    list,
  );
  /** @type {Map<string, Job>} running jobs that are known */
  const jobs = new Map();
  /** @type {Set<string>} */
  const requested = new Set();
  /** @type {{index: number, lane: any, job: Job | undefined}[] | null} */
  let shown = null;
  /** @type {ReturnType<typeof keyedRows<any>> | undefined} */
  let rows;

  const dispose = onJobChanges(
    (changed) => {
      for (const job of changed) {
        if (job.state === "running" || shown?.some(({ lane }) => lane.job === job.id)) jobs.set(job.id, job);
        else jobs.delete(job.id);
      }
      show();
    },
    {
      reset: () => {
        jobs.clear();
        requested.clear();
      },
    },
  );

  return { element, dispose, update };

  /** @param {any} stats */
  function update({ lanes }) {
    if (shown === null) list.replaceChildren();
    const there = new Set(lanes.map((/** @type {any} */ lane) => lane.job));
    for (const [id, { state }] of jobs) if (state !== "running" && !there.has(id)) jobs.delete(id);
    shown = lanes.map((/** @type {any} */ lane, /** @type {number} */ index) => ({ lane, index, job: undefined }));
    for (const { job, busy_s } of lanes) {
      if (job !== null && !jobs.has(job) && (requested.size === 0 || busy_s > LOAD_AFTER_S)) load(job);
    }
    show();
  }

  function show() {
    if (shown === null) return;
    for (const entry of shown) entry.job = jobs.get(entry.lane.job);
    rows ??= keyedRows(list, ({ index }) => String(index), laneRow);
    rows(shown);
  }

  /** Loads a job that started before this page was opened. @param {string} id */
  async function load(id) {
    if (requested.has(id)) return;
    requested.add(id);
    const job = await readJson(`/jobs/${id}`).catch(() => null); // it may have been deleted
    if (job && !jobs.has(id)) jobs.set(id, job);
    show();
  }
}

/** @param {{index: number, lane: any, job: Job | undefined}} entry */
function laneRow({ index }) {
  const task = h("a", { class: "lane-task" });
  const about = h("span", { class: "lane-about" });
  const state = h("span", { class: "lane-idle" });
  const bar = h("progress", { max: "1" });
  const progress = h("span", { class: "lane-words" });
  const seconds = h("span", { class: "lane-seconds" });
  const pid = h("span", { class: "lane-pid" });
  const name = `Lane ${index + 1}`;
  return {
    element: h(
      "li",
      { class: "lane", "aria-label": name },
      h("span", { class: "lane-name" }, name, pid),
      h("span", { class: "lane-what" }, task, about, state),
      h("span", { class: "lane-progress" }, bar, progress),
      seconds,
    ),
    /** @param {{lane: any, job: Job | undefined}} entry */
    update({ lane, job }) {
      const fraction = job?.progress?.fraction ?? null;
      setText(pid, lane.pid === null ? "" : `pid ${lane.pid}`);
      for (const element of [task, about]) setAttribute(element, "hidden", !job);
      setAttribute(state, "hidden", Boolean(job));
      setText(task, job?.task ?? "");
      setText(about, job ? paramsSummary(job.params) : "");
      setAttribute(task, "href", job && href({ view: "job", job: job.id }));
      if (!job) {
        setText(
          state,
          { idle: "Idle", opening: lane.problem ? `Opening again: ${lane.problem}` : "Opening…", busy: lane.job === null ? "Busy for another owner" : "Busy" }[
            /** @type {string} */ (lane.state)
          ] ?? lane.state,
        );
      }
      setAttribute(bar, "hidden", fraction === null);
      if (fraction !== null) {
        bar.value = fraction;
        setAttribute(bar, "aria-label", `Progress of ${job.task}`);
      }
      setText(progress, job ? progressText(job) : "");
      setText(seconds, lane.state === "busy" && lane.busy_s !== null ? duration(lane.busy_s) : "");
    },
  };
}
