/**
 * The charts of finished jobs and of run times, from the history that the service keeps in its journal.
 */

import { onConnection } from "../live/connection.js";
import { onJobChanges } from "../live/jobs.js";
import { h } from "../parts/dom.js";
import { isFinal } from "../parts/states.js";
import { replaceParams } from "../route.js";
import { readJson } from "../service/api.js";
import { onTheme } from "../theme.js";
import { finishedJobsChart, finishedJobsData, finishedJobsText } from "./finished_jobs.js";
import { runTimeChart, runTimeData, runTimeText } from "./run_time.js";

/** The periods to choose from; `bar` is the number of minutes that one bar covers. */
const RANGES = [
  { minutes: 60, label: "hour", bar: 1 },
  { minutes: 360, label: "6 hours", bar: 5 },
  { minutes: 1440, label: "24 hours", bar: 20 },
];

/** Between two requests while jobs finish. */
const REFRESH_MS = 5000;
const MINUTE_MS = 60_000;

/**
 * @param {number} minutes the period to start with; without a matching range, the first one
 */
export function historyPanel(minutes) {
  let range = RANGES.find((range) => range.minutes === minutes) ?? RANGES[0];
  const select = h(
    "select",
    { "aria-label": "Period", class: "quiet-select" },
    ...RANGES.map(({ minutes: value, label }) =>
      h("option", { value, selected: value === range.minutes }, `Last ${label}`),
    ),
  );
  const finished = finishedJobsChart();
  const runTimes = runTimeChart();
  const element = h(
    "section",
    { class: "charts", "aria-labelledby": "history-title" },
    h("div", { class: "charts-head" }, h("h3", { id: "history-title" }, "History"), select),
    finished.element,
    runTimes.element,
  );

  let disposed = false;
  /** @type {any} */
  let history = null;
  /** @type {number | undefined} */
  let timer;
  let loadedAt = -Infinity;
  select.addEventListener("change", () => {
    range = RANGES.find(({ minutes: value }) => String(value) === select.value) ?? RANGES[0];
    replaceParams({ view: "overview", minutes: range === RANGES[0] ? null : range.minutes });
    schedule(0);
  });
  const ends = [
    onJobChanges((jobs) => jobs.some(isFinal) && schedule(REFRESH_MS), {
      reset: () => schedule(0),
    }),
    onTheme(() => draw(true)),
    onConnection((loss) => loss === null && schedule(0)),
  ];
  return {
    element,
    dispose: () => {
      disposed = true;
      clearTimeout(timer);
      for (const end of ends) end();
      finished.dispose();
      runTimes.dispose();
    },
  };

  /** Loads the history so many milliseconds after the last request. @param {number} after */
  function schedule(after) {
    clearTimeout(timer);
    if (!disposed) timer = setTimeout(load, Math.max(0, loadedAt + after - performance.now()));
  }

  async function load() {
    loadedAt = performance.now();
    if (!document.hidden) {
      const requested = range;
      const response = await readJson(`/stats/history?minutes=${requested.minutes}`).catch(() => null); // tried again
      if (disposed || requested !== range) return;
      if (response) {
        history = response;
        draw(false);
      }
    }
    schedule(MINUTE_MS); // the period moves on even if no job finishes
  }

  /** @param {boolean} rebuild */
  function draw(rebuild) {
    if (!history) return;
    finished.draw(finishedJobsData(history, range.bar), rebuild, finishedJobsText(history, range.label));
    runTimes.draw(runTimeData(history), rebuild, runTimeText(history, range.label));
  }
}
