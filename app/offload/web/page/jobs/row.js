/**
 * A row of the list of jobs.
 *
 * @typedef {import("../live/jobs.js").Job} Job
 */

import { h, setAttribute, setText } from "../parts/dom.js";
import { timeOf } from "../parts/format.js";
import { runTime, shortId, stateChip } from "../parts/job_summary.js";
import { href } from "../route.js";

/** Makes a row that can show any job. */
export function jobRow() {
  const chip = stateChip();
  const task = h("span");
  const short = h("span", { class: "short-id" });
  const link = h("a", null, task, " ", short);
  const params = h("bdi");
  const labels = h("td", { class: "col-labels" });
  const accepted = h("time");
  const time = h("span");
  const bar = h("progress", { max: "1", "aria-hidden": "true" });
  let id = "";
  return {
    element: h(
      "tr",
      null,
      h("td", { class: "col-state" }, chip.element),
      h("th", { scope: "row", class: "col-task" }, link),
      h("td", { class: "col-params" }, params),
      labels,
      h("td", { class: "col-accepted number" }, accepted),
      h("td", { class: "col-took number" }, time, bar),
    ),
    /** @param {Job} job */
    update(job) {
      if (job.id !== id) {
        id = job.id;
        setText(task, job.task);
        setText(short, shortId(job));
        setAttribute(link, "href", href({ view: "job", job: id }));
        setText(params, job.about);
        setText(accepted, timeOf(job.created_at));
        setAttribute(accepted, "datetime", job.created_at);
        if (labels.firstChild || job.labels.length > 0 || job.owner !== null) labels.replaceChildren(...labelsOf(job));
      }
      chip.update(job.state);
      const fraction = job.state === "running" ? (job.progress?.fraction ?? null) : null;
      const percent = fraction === null ? "" : `${Math.floor(fraction * 100)} % · `;
      setText(time, job.state === "queued" ? "" : percent + runTime(job));
      setAttribute(bar, "hidden", fraction === null);
      if (fraction !== null) bar.value = fraction;
    },
  };
}

/** @param {Job} job */
function labelsOf({ owner, labels }) {
  const elements = labels.map((/** @type {string} */ label) => h("bdi", { class: "label" }, label));
  return owner === null ? elements : [h("bdi", { class: "label", title: "Owner" }, owner), ...elements];
}
