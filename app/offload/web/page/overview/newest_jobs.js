/**
 * The newest jobs, as a glance at what comes in.
 */

import { readJson } from "../service/api.js";
import { everySecond, streaming } from "../live/connection.js";
import { h, keyedRows, setText } from "../parts/dom.js";
import { when } from "../parts/format.js";
import { brief, ranFor, stateChip } from "../parts/job_summary.js";
import { href } from "../route.js";
import { isNewer, noted, onJobs } from "../live/jobs.js";

/** @typedef {import("../live/jobs.js").Job} Job */

const SHOWN = 8;

export function latestPanel() {
  const list = h("ul", { class: "latest" });
  const empty = h(
    "p",
    { class: "empty", hidden: true },
    "No jobs yet. ",
    h("a", { href: href({ view: "submit" }) }, "Submit the first one"),
    ".",
  );
  const element = h(
    "section",
    { class: "panel latest-panel", "aria-labelledby": "latest-title" },
    h("h3", { id: "latest-title" }, "Newest jobs"),
    list,
    empty,
    h("p", { class: "panel-more" }, h("a", { href: href({ view: "jobs" }) }, "All jobs")),
  );
  const rows = keyedRows(list, (/** @type {Job} */ { id }) => id, row);
  /** @type {Job[]} */
  let newest = [];
  let ended = false;
  const end = onJobs(take, {
    deleted: (ids) => {
      newest = newest.filter(({ id }) => !ids.includes(id));
      load();
    },
    reset: load,
  });
  const tick = everySecond(() => rows(newest));
  load();
  return {
    element,
    dispose: () => {
      ended = true;
      tick();
      end();
    },
  };

  async function load() {
    await streaming;
    const asked = performance.now();
    try {
      const { jobs } = await readJson(`/jobs?limit=${SHOWN}`);
      if (ended) return;
      newest = newest.filter((job) => isNewer(job, asked));
      take(jobs.filter((/** @type {Job} */ { id }) => !newest.some((job) => job.id === id)).map(noted));
      empty.hidden = newest.length > 0;
    } catch {
      // The figures above say what is wrong.
    }
  }

  /** @param {Job[]} told */
  function take(told) {
    const all = new Map([...newest, ...told].map((job) => [job.id, job]));
    newest = [...all.values()].sort((one, other) => (one.id < other.id ? 1 : -1)).slice(0, SHOWN);
    if (newest.length > 0) empty.hidden = true;
    rows(newest);
  }
}

/** @param {Job} job */
function row({ id, task, params, created_at }) {
  const chip = stateChip();
  const took = h("span", { class: "latest-took" });
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
        h("span", { class: "muted" }, brief(params)),
      ),
      took,
      h("time", { datetime: created_at, class: "muted" }, when(created_at)),
    ),
    /** @param {Job} job */
    update(job) {
      chip.update(job.state);
      setText(took, job.state === "queued" ? "" : ranFor(job));
    },
  };
}
