/**
 * What ended in the last hours, and how long it took: drawn from the journal's own history.
 */

import { readJson } from "../service/api.js";
import { onConnection } from "../live/connection.js";
import { h } from "../parts/dom.js";
import { endedChart, endedData, endedWords } from "./ended_jobs.js";
import { keep } from "../route.js";
import { isOver } from "../parts/states.js";
import { onJobs } from "../live/jobs.js";
import { onTheme } from "../theme.js";
import { tookChart, tookData, tookWords } from "./run_time.js";

/** Minutes that are shown, how they are called, and how many of them one bar is. */
const RANGES = [
  { minutes: 60, words: "hour", bar: 1 },
  { minutes: 360, words: "6 hours", bar: 5 },
  { minutes: 1440, words: "24 hours", bar: 20 },
];

/** Between two looks while jobs end. */
const REFRESH_MS = 5000;
const MINUTE_MS = 60_000;

/**
 * @param {number} minutes what to begin with; the first range where there is none like this
 */
export function charts(minutes) {
  let range = RANGES.find((one) => one.minutes === minutes) ?? RANGES[0];
  const select = h(
    "select",
    { "aria-label": "Period", class: "quiet-select" },
    ...RANGES.map(({ minutes: value, words }) =>
      h("option", { value, selected: value === range.minutes }, `Last ${words}`),
    ),
  );
  const ended = endedChart();
  const took = tookChart();
  const element = h(
    "section",
    { class: "charts", "aria-labelledby": "history-title" },
    h("div", { class: "charts-head" }, h("h3", { id: "history-title" }, "History"), select),
    ended.element,
    took.element,
  );

  let gone = false;
  /** @type {any} */
  let history = null;
  /** @type {number | undefined} */
  let timer;
  let loadedAt = -Infinity;
  select.addEventListener("change", () => {
    range = RANGES.find((one) => String(one.minutes) === select.value) ?? RANGES[0];
    keep({ view: "overview", minutes: range === RANGES[0] ? null : range.minutes });
    schedule(0);
  });
  const ends = [
    onJobs((jobs) => jobs.some(isOver) && schedule(REFRESH_MS), {
      reset: () => schedule(0),
    }),
    onTheme(() => draw(true)),
    onConnection((lost) => lost === null && schedule(0)),
  ];
  return {
    element,
    dispose: () => {
      gone = true;
      clearTimeout(timer);
      for (const end of ends) end();
      ended.dispose();
      took.dispose();
    },
  };

  /** Loads so long after it was loaded last. @param {number} after */
  function schedule(after) {
    clearTimeout(timer);
    if (!gone) timer = setTimeout(load, Math.max(0, loadedAt + after - performance.now()));
  }

  async function load() {
    loadedAt = performance.now();
    if (!document.hidden) {
      const asked = range;
      const told = await readJson(`/stats/history?minutes=${asked.minutes}`).catch(() => null); // the banner says why
      if (gone || asked !== range) return;
      if (told) {
        history = told;
        draw(false);
      }
    }
    schedule(MINUTE_MS); // the minutes move on even where nothing happens
  }

  /** @param {boolean} anew */
  function draw(anew) {
    if (!history) return;
    ended.draw(endedData(history, range.bar), anew, endedWords(history, range.words));
    took.draw(tookData(history), anew, tookWords(history, range.words));
  }
}
