/**
 * The queue: the number of jobs by owner and priority.
 */

import { h, keyedRows, setAttribute, setText } from "../parts/dom.js";
import { number } from "../parts/format.js";

export function queuePanel() {
  const body = h("tbody");
  const ownerHead = h("th", { scope: "col" }, "Owner");
  const table = h(
    "table",
    { class: "queue", hidden: true },
    h("caption", { class: "visually-hidden" }, "Queued jobs by owner and priority"),
    h(
      "thead",
      null,
      h(
        "tr",
        null,
        ownerHead,
        h("th", { scope: "col", class: "number" }, "Priority"),
        h("th", { scope: "col", class: "number" }, "Jobs"),
      ),
    ),
    body,
  );
  const otherOwners = h("p", { class: "muted queue-others" });
  const empty = h("p", { class: "empty", hidden: true }, "The queue is empty.");
  const element = h(
    "section",
    { class: "panel queue-panel", "aria-labelledby": "queue-title" },
    h("h3", { id: "queue-title" }, "Queue"),
    table,
    otherOwners,
    empty,
  );
  const rows = keyedRows(body, keyOf, row);
  return {
    element,
    /** @param {any} stats */
    update({ queue }) {
      const listed = queue.waiting.reduce((/** @type {number} */ sum, /** @type {any} */ { jobs }) => sum + jobs, 0);
      const unlisted = queue.size - listed;
      setAttribute(table, "hidden", queue.waiting.length === 0);
      const ownerless = queue.waiting.every((/** @type {any} */ { owner }) => owner === null);
      setAttribute(table, "class", ownerless ? "queue ownerless" : "queue");
      setAttribute(empty, "hidden", queue.size > 0);
      setAttribute(otherOwners, "hidden", unlisted <= 0);
      setText(otherOwners, `${number(unlisted)} more of other owners`);
      rows(queue.waiting);
    },
  };
}

/** @param {any} entry */
const keyOf = ({ owner, priority }) => JSON.stringify([owner, priority]);

/** @param {any} entry */
function row({ owner, priority }) {
  const jobs = h("td", { class: "number" });
  const name = owner === null ? h("span", { class: "muted" }, "no owner") : h("bdi", { class: "name" }, owner);
  return {
    element: h(
      "tr",
      null,
      h("th", { scope: "row" }, name),
      h("td", { class: "number" }, priority > 0 ? `+${priority}` : String(priority).replace("-", "−")),
      jobs,
    ),
    /** @param {any} latest */
    update(latest) {
      setText(jobs, number(latest.jobs));
    },
  };
}
