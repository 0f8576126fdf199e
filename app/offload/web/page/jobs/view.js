/**
 * The list of jobs, newest first, with filters that are kept in the address.
 */

import { everySecond } from "../live/connection.js";
import { h, setAttribute, setText } from "../parts/dom.js";
import { number } from "../parts/format.js";
import { windowedRows } from "../parts/windowed_rows.js";
import { href, replaceParams } from "../route.js";
import { filterForm, filterOf, isEmpty, paramsOf } from "./filters.js";
import { jobList } from "./list.js";
import { jobRow } from "./row.js";

/** @typedef {import("../live/jobs.js").Job} Job */

export const view = { name: "jobs", title: "Jobs", show };

/** The next page is loaded when so few loaded rows are left below the window. */
const AHEAD = 60;

const COLUMNS = [
  ["State", "col-state"],
  ["Task", "col-task"],
  ["Parameters", "col-params"],
  ["Labels", "col-labels"],
  ["Accepted", "col-accepted number"],
  ["Run time", "col-took number"],
];

/** The list that was shown last. It stays loaded and updated, so that a user who returns finds it as before. */
let lastShown = { query: "", scrollY: 0, list: /** @type {ReturnType<typeof jobList> | null} */ (null) };

/** Renders the list in the view that is shown. @type {() => void} */
let render = () => {};

/**
 * @param {HTMLElement} root
 * @param {URLSearchParams} params
 */
function show(root, params) {
  let filter = filterOf(params);
  const form = filterForm(filter, (newFilter) => {
    filter = newFilter;
    replaceParams({ view: "jobs", ...paramsOf(filter) });
    announced = false;
    open();
  });
  const problem = h("p", { class: "problem", role: "alert" });
  const newer = h("button", { type: "button", class: "primary newer", hidden: true });
  const heads = COLUMNS.map(([title, name]) => h("th", { scope: "col", class: name }, title));
  const table = h(
    "table",
    { class: "jobs" },
    h("caption", { class: "visually-hidden" }, "Jobs, newest first"),
    h("thead", null, h("tr", { "aria-rowindex": 1 }, ...heads)),
  );
  const empty = h("p", { class: "empty", hidden: true });
  const foot = h("p", { class: "muted list-foot" }, "Loading…");
  const status = h("p", { class: "visually-hidden", role: "status" });
  root.append(
    h("h2", null, "Jobs"),
    form,
    problem,
    h("div", { class: "newer-place" }, newer),
    h("div", { class: "panel list-panel" }, table, empty),
    foot,
    status,
  );

  /** @type {ReturnType<typeof jobList>} */
  let list;
  /** True once a screen reader has been told what the filter found. */
  let announced = true;
  const rows = windowedRows(
    table,
    (/** @type {Job} */ { id }) => id,
    jobRow,
    (end) => {
      if (end > list.jobs.length - AHEAD) list.loadMore();
    },
  );
  const hold = () => {
    list.holding = table.getBoundingClientRect().top < 0;
    if (!list.holding && list.held.length > 0) {
      list.release();
      render();
    }
  };
  newer.addEventListener("click", () => {
    scrollTo(0, 0);
    list.release();
    render();
    requestAnimationFrame(() => table.querySelector("tbody a")?.focus()); // after the rows have been rendered
  });
  addEventListener("scroll", hold, { passive: true });
  const endTicks = everySecond(() => list.jobs.some(({ state }) => state === "running") && rows.show(list.jobs));
  render = () => {
    setText(problem, list.error);
    newer.hidden = list.held.length === 0;
    setText(newer, `${number(list.held.length)} newer`);
    const none = list.jobs.length === 0 && !list.loading && list.error === "";
    table.hidden = list.jobs.length === 0;
    empty.hidden = !none;
    if (none) empty.replaceChildren(...emptyText(filter));
    const count = list.jobs.length === 1 ? "1 job" : `${number(list.jobs.length)} jobs`;
    setText(
      foot,
      list.loading
        ? "Loading…"
        : list.jobs.length === 0
          ? ""
          : list.complete
            ? count
            : `${count} loaded, scroll for more`,
    );
    setAttribute(table, "aria-rowcount", list.complete ? list.jobs.length + 1 : -1);
    if (!announced && !list.loading) {
      announced = true;
      status.textContent = list.complete ? `${count} found` : "More than one page of jobs found";
    }
    rows.show(list.jobs);
  };
  open();
  if (lastShown.scrollY > 0) requestAnimationFrame(() => requestAnimationFrame(() => scrollTo(0, lastShown.scrollY)));

  return () => {
    lastShown.scrollY = scrollY;
    render = () => {};
    endTicks();
    rows.dispose();
    removeEventListener("scroll", hold);
  };

  /** Shows the list of the filter: the last one, if it has the same filter, or a new one. */
  function open() {
    const query = href(paramsOf(filter));
    if (!lastShown.list || lastShown.query !== query) {
      lastShown.list?.end();
      lastShown = { query, scrollY: 0, list: jobList(filter, () => render()) };
    }
    list = /** @type {ReturnType<typeof jobList>} */ (lastShown.list);
    render();
  }
}

/** @param {import("./filters.js").Filter} filter */
function emptyText(filter) {
  if (!isEmpty(filter)) return ["No jobs match the filters."];
  return ["No jobs yet. ", h("a", { href: href({ view: "submit" }) }, "Submit a job"), "."];
}
