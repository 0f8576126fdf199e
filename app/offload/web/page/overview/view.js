/**
 * The overview: what the service is doing now, and the history of the last hours.
 */

import { historyPanel } from "../charts/history.js";
import { watchStatistics } from "../live/statistics.js";
import { h, setText } from "../parts/dom.js";
import { duration, number } from "../parts/format.js";
import { lanePanel } from "./lanes.js";
import { newestJobsPanel } from "./newest_jobs.js";
import { queuePanel } from "./queue.js";
import { tasksPanel } from "./tasks.js";

export const view = { name: "overview", title: "Overview", show };

/** @typedef {import("../live/statistics.js").Stats} Stats */

/**
 * @param {HTMLElement} root
 * @param {URLSearchParams} params
 */
function show(root, params) {
  const problem = h("p", { class: "problem", role: "alert" });
  const figures = figureList();
  const lanes = lanePanel();
  const queue = queuePanel();
  const tasks = tasksPanel();
  const history = historyPanel(Number(params.get("minutes")));
  const newest = newestJobsPanel();
  root.append(
    h("h2", { class: "visually-hidden" }, "Overview"),
    problem,
    h(
      "div",
      { class: "overview" },
      figures.element,
      lanes.element,
      queue.element,
      history.element,
      newest.element,
      tasks.element,
    ),
  );
  const endStatistics = watchStatistics(
    (stats) => {
      setText(problem, "");
      for (const part of [figures, lanes, queue, tasks]) part.update(stats);
    },
    (error) => setText(problem, error.message),
  );
  return () => {
    for (const dispose of [endStatistics, lanes.dispose, history.dispose, newest.dispose]) dispose();
  };
}

/** The row of key figures. */
function figureList() {
  const busy = figure("Busy lanes");
  const queued = figure("Queued");
  const rate = figure("Finished per second");
  const wait = figure("Wait for a lane");
  return {
    element: h("dl", { class: "figures" }, busy.element, queued.element, rate.element, wait.element),
    /** @param {Stats} stats */
    update({ lanes, queue, tasks }) {
      const all = /** @type {any[]} */ (Object.values(tasks));
      const perSecond = all.reduce((sum, { per_s }) => sum + per_s, 0);
      const waits = all.map(({ wait_s_p50 }) => wait_s_p50).filter((s) => s !== null);
      busy.update(
        number(lanes.filter((/** @type {any} */ { state }) => state === "busy").length),
        `of ${number(lanes.length)}`,
      );
      queued.update(number(queue.size), `of ${number(queue.limit)}`);
      rate.update(rounded(perSecond), "last minute");
      wait.update(
        waits.length > 0 ? duration(Math.max(...waits)) : "–",
        waits.length > 0 ? "median, slowest task" : "",
      );
    },
  };
}

/** @param {number} rate */
const rounded = (rate) =>
  rate === 0 ? "0" : rate < 1 ? rate.toFixed(2) : rate < 10 ? rate.toFixed(1) : number(Math.round(rate));

/** @param {string} name */
function figure(name) {
  const value = h("span", { class: "figure-value" }, "–");
  const more = h("span", { class: "figure-more" }, "\u00a0");
  return {
    element: h("div", { class: "figure panel" }, h("dt", null, name), h("dd", null, value, more)),
    /** @param {string} text @param {string} note */
    update(text, note) {
      setText(value, text);
      setText(more, note);
    },
  };
}
