/**
 * The tasks since the service started: the outcomes of their jobs and how long they take.
 */

import { h, keyedRows, setAttribute, setText } from "../parts/dom.js";
import { duration, number } from "../parts/format.js";
import { href } from "../route.js";

const COLUMNS = [
  "Task",
  "Succeeded",
  "Failed",
  "Cancelled",
  "Run time, median",
  "Run time, 95 %",
  "Waiting time, median",
];

export function tasksPanel() {
  const body = h("tbody");
  const empty = h("p", { class: "empty", hidden: true }, "No job has finished since the service started.");
  const heads = COLUMNS.map((title, index) => h("th", { scope: "col", class: index > 0 && "number" }, title));
  const table = h(
    "div",
    { class: "table-scroll", hidden: true, tabindex: "0", role: "group", "aria-labelledby": "tasks-title" },
    h(
      "table",
      null,
      h("caption", { class: "visually-hidden" }, "Tasks since the service started"),
      h("thead", null, h("tr", null, ...heads)),
      body,
    ),
  );
  const element = h(
    "section",
    { class: "panel tasks-panel", "aria-labelledby": "tasks-title" },
    h("h3", { id: "tasks-title" }, "Tasks since the start"),
    table,
    empty,
  );
  const rows = keyedRows(body, ([name]) => name, row);
  return {
    element,
    /** @param {any} stats */
    update({ tasks }) {
      const entries = Object.entries(tasks).filter(
        ([, { succeeded, failed, cancelled }]) => succeeded + failed + cancelled > 0,
      );
      setAttribute(table, "hidden", entries.length === 0);
      setAttribute(empty, "hidden", entries.length > 0);
      rows(entries);
    },
  };
}

/** @param {[string, any]} entry */
function row([name]) {
  const cells = COLUMNS.slice(1).map(() => h("td", { class: "number" }));
  const link = h("a", { href: href({ view: "jobs", task: name }) }, name);
  return {
    element: h("tr", null, h("th", { scope: "row" }, link), ...cells),
    /** @param {[string, any]} entry */
    update([, { succeeded, failed, cancelled, run_s_p50, run_s_p95, wait_s_p50 }]) {
      const counts = [succeeded, failed, cancelled].map(number);
      const times = [run_s_p50, run_s_p95, wait_s_p50].map((seconds) => (seconds === null ? "–" : duration(seconds)));
      [...counts, ...times].forEach((text, index) => setText(cells[index], text));
    },
  };
}
