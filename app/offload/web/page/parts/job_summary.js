/**
 * Parts of a job as short texts, for rows and lists.
 *
 * @typedef {import("../live/jobs.js").Job} Job
 */

import { liveTime } from "../live/connection.js";
import { h, setAttribute, setText } from "./dom.js";
import { bytes, duration, number } from "./format.js";

const LONGEST = 160;

/** The parameters on one line: `n 36, algorithm recursive`. @param {any} params */
export function paramsSummary(params) {
  const text = isPlain(params)
    ? Object.entries(params)
        .map(([name, value]) => `${name} ${valueText(value)}`)
        .join(", ")
    : valueText(params);
  return shortened(text);
}

/** @param {any} value */
const isPlain = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/** @param {any} value */
const valueText = (value) => (typeof value === "string" ? shortened(value) : (JSON.stringify(value) ?? ""));

/** @param {string} text */
const shortened = (text) => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);

/** The progress, such as `37 % · 1.2 GiB of 4.0 GiB`; empty if the task does not report any. @param {Job} job */
export function progressText({ progress }) {
  if (!progress) return "";
  const { done, total, fraction, unit, note } = progress;
  /** @param {number} count */
  const amount = (count) => (unit === "bytes" ? bytes(count) : number(count));
  const parts = [];
  if (fraction !== null) parts.push(`${Math.floor(fraction * 100)} %`);
  if (done !== null) {
    const of = total === null ? amount(done) : `${amount(done)} of ${amount(total)}`;
    parts.push(unit && unit !== "bytes" ? `${of} ${unit}` : of);
  }
  if (note) parts.push(note);
  return parts.join(" · ");
}

/** How long the job has run; empty if it has not started. @param {Job} job */
export function runTime({ state, usage, receivedAt }) {
  if (!usage) return "";
  const since = state === "running" ? Math.max(0, liveTime() - receivedAt) / 1000 : 0;
  return duration(usage.wall_s + since);
}

/** The end of the id, which is random: enough to tell jobs apart in a list. @param {Job} job */
export const shortId = ({ id }) => id.slice(-6);

/** Makes a label that shows a job's state with its icon. */
export function stateChip() {
  const element = h("span", { class: "state" });
  return {
    element,
    /** @param {string} state */
    update(state) {
      setAttribute(element, "data-state", state);
      setText(element, state);
    },
  };
}
