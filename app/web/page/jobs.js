/**
 * The jobs, newest first, with filters that the address keeps.
 */

import { h, setAttribute, setText } from "./dom.js";
import { filterForm, filterOf, isWide, paramsOf } from "./filters.js";
import { exactly, number, when } from "./format.js";
import { jobList } from "./job_list.js";
import { brief, ranFor, shortId, stateChip } from "./jobs_in_words.js";
import { href, keep } from "./route.js";
import { everySecond } from "./store.js";
import { windowedRows } from "./window.js";

/** @typedef {import("./store.js").Job} Job */

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
  const table = h("table", { class: "jobs" }, h("caption", { class: "visually-hidden" }, "Jobs, newest first"), h("thead", null, h("tr", { "aria-rowindex": 1 }, ...heads)));
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
  const rows = windowedRows(table, (/** @type {Job} */ { id }) => id, row, (upto) => {
    if (upto > list.jobs.length - AHEAD) list.more();
  });
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
    table.querySelector("tbody a")?.focus();
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

/** @param {Job} job */
function row(job) {
  const chip = stateChip();
  const labels = job.labels.map((/** @type {string} */ label) => h("bdi", { class: "label" }, label));
  const words = h("span");
  const bar = h("progress", { max: "1", "aria-hidden": "true" });
  const owner = job.owner === null ? null : h("bdi", { class: "label owner", title: "Owner" }, job.owner);
  return {
    element: h(
      "tr",
      null,
      h("td", { class: "col-state" }, chip.element),
      h("th", { scope: "row", class: "col-task" }, h("a", { href: href({ view: "job", job: job.id }) }, job.task, " ", h("span", { class: "short-id" }, shortId(job)))),
      h("td", { class: "col-params" }, h("bdi", null, brief(job.params))),
      h("td", { class: "col-labels" }, owner, ...labels),
      h("td", { class: "col-accepted number" }, h("time", { datetime: job.created_at, title: exactly(job.created_at) }, when(job.created_at))),
      h("td", { class: "col-took number" }, words, bar),
    ),
    /** @param {Job} latest */
    update(latest) {
      chip.update(latest.state);
      const fraction = latest.state === "running" ? (latest.progress?.fraction ?? null) : null;
      const percent = fraction === null ? "" : `${Math.floor(fraction * 100)} % · `;
      setText(words, latest.state === "queued" ? "" : percent + ranFor(latest));
      bar.hidden = fraction === null;
      if (fraction !== null) bar.value = fraction;
    },
  };
}
