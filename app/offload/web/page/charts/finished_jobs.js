/**
 * The chart of finished jobs: a stacked bar for each interval, by final state.
 */

import { number } from "../parts/format.js";
import { FINAL_STATES } from "../parts/states.js";
import { chartBase, clockTime, colour, figure, Plot } from "./chart.js";

export const finishedJobsChart = () => figure("Finished jobs", options);

/**
 * Returns the sums of each bar: `columns` are stacked, `raw` are not.
 * @param {any} history
 * @param {number} bar minutes
 */
export function finishedJobsData({ points }, bar) {
  /** @type {Map<number, number[]>} */
  const sums = new Map();
  for (const point of points) {
    const at = Math.floor(Date.parse(point.at) / 1000 / 60 / bar) * 60 * bar;
    const sum = sums.get(at) ?? [0, 0, 0];
    FINAL_STATES.forEach((state, which) => (sum[which] += point[state]));
    sums.set(at, sum);
  }
  const raw = FINAL_STATES.map((_, which) => [...sums.values()].map((sum) => sum[which]));
  const stacked = [...sums.values()].map(([succeeded, failed, cancelled]) => [
    succeeded + failed + cancelled,
    failed + cancelled,
    cancelled,
  ]);
  return {
    columns: [[...sums.keys()], ...FINAL_STATES.map((_, which) => stacked.map((heights) => heights[which]))],
    raw,
  };
}

function options() {
  const { axis, time, ...rest } = chartBase();
  const bars = Plot.paths.bars({ size: [0.7, 24] });
  const series = FINAL_STATES.map((state) => ({
    label: state,
    stroke: colour(state),
    fill: colour(state),
    width: 0,
    paths: bars,
    points: { show: false },
    value: (
      /** @type {any} */ plot,
      /** @type {any} */ _,
      /** @type {number} */ which,
      /** @type {number | null} */ at,
    ) => (at === null ? "" : number(plot.raw[which - 1][at])),
  }));
  return {
    ...rest,
    scales: {
      // Half a bar of space at both ends.
      x: {
        range: (/** @type {any} */ plot, /** @type {number} */ low, /** @type {number} */ high) => [
          low - halfStep(plot),
          high + halfStep(plot),
        ],
      },
      y: {
        range: (/** @type {any} */ _, /** @type {number} */ low, /** @type {number} */ high) => [
          0,
          Math.max(4, high * 1.1),
        ],
      },
    },
    axes: [
      time,
      { ...axis, size: 44, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6, 1e7] },
    ],
    series: [{ label: "Time", value: (/** @type {any} */ _, /** @type {number} */ at) => clockTime(at) }, ...series],
  };
}

/** @param {any} plot */
const halfStep = ({ data: [at] }) => (at.length > 1 ? (at[1] - at[0]) / 2 : 30);

/** @param {any} history @param {string} period */
export function finishedJobsText({ points }, period) {
  const [succeeded, failed, cancelled] = FINAL_STATES.map((state) =>
    points.reduce((/** @type {number} */ sum, /** @type {any} */ point) => sum + point[state], 0),
  );
  return `${number(succeeded)} succeeded, ${number(failed)} failed, ${number(cancelled)} cancelled in the last ${period}`;
}
