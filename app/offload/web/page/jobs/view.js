/**
 * The jobs, newest first, with filters that the address keeps.
 */

import { everySecond } from "../live/connection.js";
import { h, setAttribute, setText } from "../parts/dom.js";
import { filterForm, filterOf, isWide, paramsOf } from "./filters.js";
import { number, when } from "../parts/format.js";
import { jobList } from "./list.js";
import { ranFor, shortId, stateChip } from "../parts/job_summary.js";
import { href, keep } from "../route.js";
import { windowedRows } from "../parts/windowed_rows.js";

/** @typedef {import("../live/jobs.js").Job} Job */

export const view = { name: "jobs", title: "Jobs", show };

/** So near to the end of what is loaded, more is. */
const AHEAD = 60;

const COLUMNS = [
  ["State", "col-state"],
  ["Task", "col-task"],
  ["Parameters", "col-params"],
  ["Labels", "col-labels"],
  ["Accepted", "col-accepted number"],
  ["Run time", "col-took number"],
];

/** The list that was shown last, which goes on: who comes back to it finds it as it was left. */
let left = { query: "", scrollY: 0, list: /** @type {ReturnType<typeof jobList> | null} */ (null) };

/** What is to be done when the list changes. @type {() => void} */
let changed = () => {};

/**
 * @param {HTMLElement} root
 * @param {URLSearchParams} params
 */
function show(root, params) {
  let filter = filterOf(params);
  const form = filterForm(filter, (other) => {
    filter = other;
    keep({ view: "jobs", ...paramsOf(filter) });
    told = false;
    open();
  });
  const problem = h("p", { class: "problem", role: "alert" });
  const newer = h("button", { type: "button", class: "primary newer", hidden: true });
  const heads = COLUMNS.map(([words, name]) => h("th", { scope: "col", class: name }, words));
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
  /** What a filter found has been said. */
  let told = true;
  const rows = windowedRows(
    table,
    (/** @type {Job} */ { id }) => id,
    row,
    (upto) => {
      if (upto > list.jobs.length - AHEAD) list.more();
    },
  );
  const hold = () => {
    list.holding = table.getBoundingClientRect().top < 0;
    if (!list.holding && list.held.length > 0) {
      list.release();
      changed();
    }
  };
  newer.addEventListener("click", () => {
    scrollTo(0, 0);
    list.release();
    changed();
    requestAnimationFrame(() => table.querySelector("tbody a")?.focus()); // the rows are drawn by then
  });
  addEventListener("scroll", hold, { passive: true });
  const tick = everySecond(() => list.jobs.some(({ state }) => state === "running") && rows.show(list.jobs));
  changed = () => {
    setText(problem, list.problem);
    newer.hidden = list.held.length === 0;
    setText(newer, `${number(list.held.length)} newer`);
    const none = list.jobs.length === 0 && !list.loading && list.problem === "";
    table.hidden = list.jobs.length === 0;
    empty.hidden = !none;
    if (none) empty.replaceChildren(...nothing(filter));
    const count = list.jobs.length === 1 ? "1 job" : `${number(list.jobs.length)} jobs`;
    setText(foot, list.loading ? "Loading…" : none ? "" : list.complete ? count : `${count} loaded, more follow`);
    setAttribute(table, "aria-rowcount", list.complete ? list.jobs.length + 1 : -1);
    if (!told && !list.loading) {
      told = true;
      status.textContent = list.complete ? `${count} found` : "More than one page of jobs found";
    }
    rows.show(list.jobs);
  };
  open();
  if (left.scrollY > 0) requestAnimationFrame(() => requestAnimationFrame(() => scrollTo(0, left.scrollY)));

  return () => {
    left.scrollY = scrollY;
    changed = () => {};
    tick();
    rows.dispose();
    removeEventListener("scroll", hold);
  };

  /** Takes the list of the filter: the one that was left, or another. */
  function open() {
    const query = href(paramsOf(filter));
    if (!left.list || left.query !== query) {
      left.list?.end();
      left = { query, scrollY: 0, list: jobList(filter, () => changed()) };
    }
    list = /** @type {ReturnType<typeof jobList>} */ (left.list);
    changed();
  }
}

/** What there is to say where no job is. @param {import("./filters.js").Filter} filter */
function nothing(filter) {
  if (!isWide(filter)) return ["No job is like this."];
  return ["No jobs yet. ", h("a", { href: href({ view: "submit" }) }, "Submit the first one"), "."];
}

/** A row, for one job after another. */
function row() {
  const chip = stateChip();
  const task = h("span");
  const short = h("span", { class: "short-id" });
  const link = h("a", null, task, " ", short);
  const params = h("bdi");
  const labels = h("td", { class: "col-labels" });
  const accepted = h("time");
  const words = h("span");
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
      h("td", { class: "col-took number" }, words, bar),
    ),
    /** @param {Job} job */
    update(job) {
      if (job.id !== id) {
        id = job.id;
        setText(task, job.task);
        setText(short, shortId(job));
        setAttribute(link, "href", href({ view: "job", job: id }));
        setText(params, job.about);
        setText(accepted, when(job.created_at));
        setAttribute(accepted, "datetime", job.created_at);
        if (labels.firstChild || job.labels.length > 0 || job.owner !== null) labels.replaceChildren(...labelsOf(job));
      }
      chip.update(job.state);
      const fraction = job.state === "running" ? (job.progress?.fraction ?? null) : null;
      const percent = fraction === null ? "" : `${Math.floor(fraction * 100)} % · `;
      setText(words, job.state === "queued" ? "" : percent + ranFor(job));
      setAttribute(bar, "hidden", fraction === null);
      if (fraction !== null) bar.value = fraction;
    },
  };
}

/** @param {Job} job */
function labelsOf({ owner, labels }) {
  const told = labels.map((/** @type {string} */ label) => h("bdi", { class: "label" }, label));
  return owner === null ? told : [h("bdi", { class: "label", title: "Owner" }, owner), ...told];
}
