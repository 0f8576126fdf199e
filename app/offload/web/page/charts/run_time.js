/**
 * The chart of the run times of succeeded jobs.
 */

import { duration } from "../parts/format.js";
import { chartBase, clockTime, colour, figure } from "./chart.js";

const TIMES = [
  { name: "run_s_p50", label: "median", colour: "accent", dash: [] },
  { name: "run_s_p95", label: "95 %", colour: "warning", dash: [5, 4] },
];

/** The intervals of the grid: values that have short labels. */
const STEPS_S = [
  1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600, 1200, 3600,
  7200, 21_600,
];

export const runTimeChart = () => figure("Run time", options);

/** @param {any} history */
export function runTimeData({ points }) {
  const at = points.map((/** @type {any} */ point) => Date.parse(point.at) / 1000);
  const columns = TIMES.map(({ name }) => points.map((/** @type {any} */ point) => point[name]));
  return { columns: [at, ...columns], raw: columns };
}

function options() {
  const { axis, time, ...rest } = chartBase();
  const series = TIMES.map(({ label, colour: name, dash }) => ({
    label,
    stroke: colour(name),
    width: 1.75,
    dash,
    spanGaps: true,
    points: {
      size: 4,
      show: (/** @type {any} */ plot) => plot.data[1].filter((/** @type {any} */ value) => value !== null).length < 20,
    },
    value: (/** @type {any} */ _, /** @type {number | null} */ seconds) => (seconds === null ? "" : duration(seconds)),
  }));
  return {
    ...rest,
    scales: {
      y: {
        range: (/** @type {any} */ _, /** @type {number} */ low, /** @type {number | null} */ high) => [
          0,
          (high ?? 1) * 1.1 || 1,
        ],
      },
    },
    axes: [
      time,
      {
        ...axis,
        size: 58,
        incrs: STEPS_S,
        values: (/** @type {any} */ _, /** @type {number[]} */ all) =>
          all.map((seconds) => (seconds === 0 ? "0" : duration(seconds))),
      },
    ],
    series: [{ label: "Time", value: (/** @type {any} */ _, /** @type {number} */ at) => clockTime(at) }, ...series],
  };
}

/** @param {any} history @param {string} period */
export function runTimeText({ points }, period) {
  const newest = points.findLast((/** @type {any} */ point) => point.run_s_p50 !== null);
  if (!newest) return `No job succeeded in the last ${period}`;
  return `${duration(newest.run_s_p50)} median and ${duration(newest.run_s_p95)} for 95 % at ${clockTime(Date.parse(newest.at) / 1000)}`;
}
