/**
 * The newest jobs.
 */

import { everySecond, streamOpened } from "../live/connection.js";
import { isNewer, onJobChanges, receivedNow } from "../live/jobs.js";
import { h, keyedRows, setText } from "../parts/dom.js";
import { timeOf } from "../parts/format.js";
import { paramsSummary, runTime, stateChip } from "../parts/job_summary.js";
import { href } from "../route.js";
import { readJson } from "../service/api.js";

/** @typedef {import("../live/jobs.js").Job} Job */

const SHOWN = 8;

export function newestJobsPanel() {
  const list = h("ul", { class: "latest" });
  const empty = h(
    "p",
    { class: "empty", hidden: true },
    "No jobs yet. ",
    h("a", { href: href({ view: "submit" }) }, "Submit a job"),
    ".",
  );
  const element = h(
    "section",
    { class: "panel latest-panel", "aria-labelledby": "newest-title" },
    h("h3", { id: "newest-title" }, "Newest jobs"),
    list,
    empty,
    h("p", { class: "panel-more" }, h("a", { href: href({ view: "jobs" }) }, "All jobs")),
  );
  const rows = keyedRows(list, (/** @type {Job} */ { id }) => id, row);
  /** @type {Job[]} */
  let newest = [];
  let ended = false;
  const endChanges = onJobChanges(add, {
    deleted: (ids) => {
      newest = newest.filter(({ id }) => !ids.includes(id));
      load();
    },
    reset: load,
  });
  const endTicks = everySecond(() => rows(newest));
  load();
  return {
    element,
    dispose: () => {
      ended = true;
      endTicks();
      endChanges();
    },
  };

  async function load() {
    await streamOpened;
    const requestedAt = performance.now();
    try {
      const { jobs } = await readJson(`/jobs?limit=${SHOWN}`);
      if (ended) return;
      newest = newest.filter((job) => isNewer(job, requestedAt));
      add(jobs.filter((/** @type {Job} */ { id }) => !newest.some((job) => job.id === id)).map(receivedNow));
      empty.hidden = newest.length > 0;
    } catch {
      // The request for the figures above fails as well and shows the error.
    }
  }

  /** @param {Job[]} jobs */
  function add(jobs) {
    const all = new Map([...newest, ...jobs].map((job) => [job.id, job]));
    newest = [...all.values()].sort((one, other) => (one.id < other.id ? 1 : -1)).slice(0, SHOWN);
    if (newest.length > 0) empty.hidden = true;
    rows(newest);
  }
}

/** @param {Job} job */
function row({ id, task, params, created_at }) {
  const chip = stateChip();
  const time = h("span", { class: "latest-took" });
  return {
    element: h(
      "li",
      null,
      chip.element,
      h(
        "span",
        { class: "latest-what" },
        h("a", { href: href({ view: "job", job: id }) }, task),
        " ",
        h("span", { class: "muted" }, paramsSummary(params)),
      ),
      time,
      h("time", { datetime: created_at, class: "muted" }, timeOf(created_at)),
    ),
    /** @param {Job} job */
    update(job) {
      chip.update(job.state);
      setText(time, job.state === "queued" ? "" : runTime(job));
    },
  };
}
