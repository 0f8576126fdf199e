/**
 * A job's parts in a few words, for a row.
 *
 * @typedef {import("../live/jobs.js").Job} Job
 */

import { knownNow } from "../live/connection.js";
import { h, setAttribute, setText } from "./dom.js";
import { bytes, duration, number } from "./format.js";

const LONGEST = 160;

/** Parameters on one line: `n 36, algorithm recursive`. @param {any} params */
export function brief(params) {
  const words = isPlain(params)
    ? Object.entries(params)
        .map(([name, value]) => `${name} ${written(value)}`)
        .join(", ")
    : written(params);
  return shortened(words);
}

/** @param {any} value */
const isPlain = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/** @param {any} value */
const written = (value) => (typeof value === "string" ? shortened(value) : (JSON.stringify(value) ?? ""));

/** @param {string} text */
const shortened = (text) => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);

/** How far a job is: `37 %, 1.2 GiB of 4.0 GiB`; nothing where its task does not tell. @param {Job} job */
export function progressWords({ progress }) {
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

/** How long a job ran, so far or in all; nothing where it has not. @param {Job} job */
export function ranFor({ state, usage, notedAt }) {
  if (!usage) return "";
  const since = state === "running" ? Math.max(0, knownNow() - notedAt) / 1000 : 0;
  return duration(usage.wall_s + since);
}

/** What tells jobs of one task apart: the end of the id, which is random. @param {Job} job */
export const shortId = ({ id }) => id.slice(-6);

/** A job's state, with its sign. */
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
