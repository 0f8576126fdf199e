/**
 * What ended in the last hours, and how long it took: drawn from the journal's own history.
 */

import uPlot from "./vendor/uplot/uPlot.esm.js";
import { readJson } from "./api.js";
import { h, setText } from "./dom.js";
import { duration, number } from "./format.js";
import { keep } from "./route.js";
import { onConnection, onJobs } from "./store.js";
import { onTheme } from "./theme.js";

/** Minutes that are shown, how they are called, and how many of them one bar is. */
const RANGES = [
  { minutes: 60, words: "hour", bar: 1 },
  { minutes: 360, words: "6 hours", bar: 5 },
  { minutes: 1440, words: "24 hours", bar: 20 },
];

/** Between two looks while jobs end. */
const REFRESH_MS = 5000;
const MINUTE_MS = 60_000;
const HEIGHT = 190;
const ENDS = ["succeeded", "failed", "cancelled"];

/**
 * @param {number} minutes what to begin with; the first range where there is none like this
 */
export function charts(minutes) {
  let range = RANGES.find((one) => one.minutes === minutes) ?? RANGES[0];
  const select = h(
    "select",
    { "aria-label": "Period", class: "quiet-select" },
    ...RANGES.map(({ minutes: value, words }) => h("option", { value, selected: value === range.minutes }, `Last ${words}`)),
  );
  const ended = chart("Jobs ended", endedOptions);
  const took = chart("Run time", tookOptions);
  const element = h("section", { class: "charts", "aria-labelledby": "history-title" }, h("div", { class: "charts-head" }, h("h3", { id: "history-title" }, "History"), select), ended.element, took.element);

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
    onJobs((jobs) => jobs.some(({ state }) => ENDS.includes(state)) && schedule(REFRESH_MS), { reset: () => schedule(0) }),
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
      const told = await readJson(`/stats/history?minutes=${range.minutes}`).catch(() => null); // the banner says why
      if (gone) return;
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

/**
 * A figure with its caption, as wide as there is room.
 * @param {string} title
 * @param {(data: any) => any} options of uPlot
 */
function chart(title, options) {
  const place = h("div", { class: "plot", role: "img" });
  const words = h("p", { class: "plot-words" }, "\u00a0");
  const element = h("figure", { class: "panel chart" }, h("figcaption", null, h("strong", null, title), words), place);
  /** @type {any} */
  let plot = null;
  const observer = new ResizeObserver(([{ contentRect }]) => plot?.setSize({ width: Math.floor(contentRect.width), height: HEIGHT }));
  observer.observe(place);
  return {
    element,
    dispose: () => {
      observer.disconnect();
      plot?.destroy();
    },
    /** @param {any} data @param {boolean} anew where its colours have changed @param {string} told in words */
    draw(data, anew, told) {
      setText(words, told);
      place.setAttribute("aria-label", `${title}: ${told}`);
      if (plot && !anew) return plot.setData(data.columns), void (plot.raw = data.raw);
      plot?.destroy();
      plot = new uPlot({ width: place.clientWidth, height: HEIGHT, ...options(data) }, data.columns, place);
      plot.raw = data.raw;
    },
  };
}

/** A colour of the style sheet, as the canvas wants it. @param {string} name */
function colour(name) {
  const probe = h("i", { hidden: true });
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** What both charts have: axes and a cursor without zoom. */
function frame() {
  const grid = { stroke: colour("line"), width: 1 };
  const axis = { stroke: colour("muted"), grid, ticks: { show: false }, font: `12px ${getComputedStyle(document.body).fontFamily}` };
  return {
    padding: [8, 8, 0, 0],
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    legend: { live: true },
    axis,
    time: { ...axis, size: 30, space: 70, values: (/** @type {any} */ _, /** @type {number[]} */ at) => at.map(clock) },
  };
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

/** @param {number | null} at seconds since the epoch */
const clock = (at) => (at === null ? "" : CLOCK.format(at * 1000));

// ---- jobs ended -----------------------------------------------------------------------------------------------------

/** Sums per bar, one upon the other: the last column is the whole height. @param {any} history @param {number} bar minutes */
function endedData({ points }, bar) {
  /** @type {Map<number, number[]>} */
  const sums = new Map();
  for (const point of points) {
    const at = Math.floor(Date.parse(point.at) / 1000 / 60 / bar) * 60 * bar;
    const sum = sums.get(at) ?? [0, 0, 0];
    ENDS.forEach((state, which) => (sum[which] += point[state]));
    sums.set(at, sum);
  }
  const raw = ENDS.map((_, which) => [...sums.values()].map((sum) => sum[which]));
  const upon = [...sums.values()].map(([succeeded, failed, cancelled]) => [succeeded + failed + cancelled, failed + cancelled, cancelled]);
  return { columns: [[...sums.keys()], ...ENDS.map((_, which) => upon.map((heights) => heights[which]))], raw };
}

function endedOptions() {
  const { axis, time, ...rest } = frame();
  const bars = uPlot.paths.bars({ size: [0.7, 24] });
  const series = ENDS.map((state) => ({
    label: state,
    stroke: colour(state),
    fill: colour(state),
    width: 0,
    paths: bars,
    points: { show: false },
    value: (/** @type {any} */ plot, /** @type {any} */ _, /** @type {number} */ which, /** @type {number | null} */ at) =>
      at === null ? "" : number(plot.raw[which - 1][at]),
  }));
  return {
    ...rest,
    scales: {
      // Half a bar more at both ends.
      x: { range: (/** @type {any} */ plot, /** @type {number} */ low, /** @type {number} */ high) => [low - halfStep(plot), high + halfStep(plot)] },
      y: { range: (/** @type {any} */ _, /** @type {number} */ low, /** @type {number} */ high) => [0, Math.max(4, high * 1.1)] },
    },
    axes: [time, { ...axis, size: 44, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6, 1e7] }],
    series: [{ label: "Time", value: (/** @type {any} */ _, /** @type {number} */ at) => clock(at) }, ...series],
  };
}

/** @param {any} plot */
const halfStep = ({ data: [at] }) => (at.length > 1 ? (at[1] - at[0]) / 2 : 30);

/** @param {any} history @param {string} period */
function endedWords({ points }, period) {
  const [succeeded, failed, cancelled] = ENDS.map((state) => points.reduce((/** @type {number} */ sum, /** @type {any} */ point) => sum + point[state], 0));
  return `${number(succeeded)} succeeded, ${number(failed)} failed, ${number(cancelled)} cancelled in the last ${period}`;
}

// ---- run time -------------------------------------------------------------------------------------------------------

const TIMES = [
  { name: "run_s_p50", label: "median", colour: "accent", dash: [] },
  { name: "run_s_p95", label: "95 %", colour: "warning", dash: [5, 4] },
  { name: "wait_s_p50", label: "wait, median", colour: "muted", dash: [1.5, 3.5] },
];

/** @param {any} history */
function tookData({ points }) {
  const at = points.map((/** @type {any} */ point) => Date.parse(point.at) / 1000);
  const columns = TIMES.map(({ name }) => points.map((/** @type {any} */ point) => point[name]));
  return { columns: [at, ...columns], raw: columns };
}

function tookOptions() {
  const { axis, time, ...rest } = frame();
  const series = TIMES.map(({ label, colour: name, dash }) => ({
    label,
    stroke: colour(name),
    width: 1.75,
    dash,
    spanGaps: true,
    points: { size: 4, show: (/** @type {any} */ plot) => plot.data[1].filter((/** @type {any} */ value) => value !== null).length < 20 },
    value: (/** @type {any} */ _, /** @type {number | null} */ seconds) => (seconds === null ? "" : duration(seconds)),
  }));
  return {
    ...rest,
    scales: { y: { range: (/** @type {any} */ _, /** @type {number} */ low, /** @type {number | null} */ high) => [0, (high ?? 1) * 1.1 || 1] } },
    axes: [time, { ...axis, size: 58, values: (/** @type {any} */ _, /** @type {number[]} */ all) => all.map((seconds) => (seconds === 0 ? "0" : duration(seconds))) }],
    series: [{ label: "Time", value: (/** @type {any} */ _, /** @type {number} */ at) => clock(at) }, ...series],
  };
}

/** @param {any} history @param {string} period */
function tookWords({ points }, period) {
  const newest = points.findLast((/** @type {any} */ point) => point.run_s_p50 !== null);
  if (!newest) return `Nothing succeeded in the last ${period}`;
  return `${duration(newest.run_s_p50)} median and ${duration(newest.run_s_p95)} for 95 % at ${clock(Date.parse(newest.at) / 1000)}`;
}
