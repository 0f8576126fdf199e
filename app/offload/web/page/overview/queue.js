/**
 * What waits for a lane: by owner, and by priority.
 */

import { h, keyedRows, setAttribute, setText } from "../parts/dom.js";
import { number } from "../parts/format.js";

export function queuePanel() {
  const body = h("tbody");
  const withOwners = h("th", { scope: "col" }, "Owner");
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
        withOwners,
        h("th", { scope: "col", class: "number" }, "Priority"),
        h("th", { scope: "col", class: "number" }, "Jobs"),
      ),
    ),
    body,
  );
  const others = h("p", { class: "muted queue-others" });
  const empty = h("p", { class: "empty", hidden: true }, "Nothing waits.");
  const element = h(
    "section",
    { class: "panel queue-panel", "aria-labelledby": "queue-title" },
    h("h3", { id: "queue-title" }, "Queue"),
    table,
    others,
    empty,
  );
  const rows = keyedRows(body, keyOf, row);
  return {
    element,
    /** @param {any} stats */
    update({ queue }) {
      const seen = queue.waiting.reduce((/** @type {number} */ sum, /** @type {any} */ { jobs }) => sum + jobs, 0);
      const unseen = queue.size - seen;
      setAttribute(table, "hidden", queue.waiting.length === 0);
      const ownerless = queue.waiting.every((/** @type {any} */ { owner }) => owner === null);
      setAttribute(table, "class", ownerless ? "queue ownerless" : "queue");
      setAttribute(empty, "hidden", queue.size > 0);
      setAttribute(others, "hidden", unseen <= 0);
      setText(others, `${number(unseen)} of other owners`);
      rows(queue.waiting);
    },
  };
}

/** @param {any} entry */
const keyOf = ({ owner, priority }) => JSON.stringify([owner, priority]);

/** @param {any} entry */
function row({ owner, priority }) {
  const jobs = h("td", { class: "number" });
  const name = owner === null ? h("span", { class: "muted" }, "nobody’s") : h("bdi", { class: "name" }, owner);
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
