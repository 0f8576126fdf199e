/**
 * The list of batches, newest first, or the batch that the address names.
 */

import { onConnection } from "../live/connection.js";
import { onJobChanges } from "../live/jobs.js";
import { h, keyedRows, setAttribute, setText } from "../parts/dom.js";
import { fullTime, number, timeOf } from "../parts/format.js";
import { STATES } from "../parts/states.js";
import { href } from "../route.js";
import { readJson } from "../service/api.js";
import { PREFIX } from "../service/prefix.js";
import { kindOf, progressBar, showBatch } from "./batch.js";

/** @typedef {import("./batch.js").Batch} Batch */

export const view = { name: "batches", title: "Batches", show };

const PAGE_SIZE = 50;

/** Between two requests of the list while its jobs change. */
const REFRESH_MS = 1000;

const COLUMNS = [
  ["Accepted", ""],
  ["Kind", "batch-kind"],
  ["Progress", "batch-bar"],
  ["Jobs", "batch-states"],
];

/**
 * @param {HTMLElement} root
 * @param {URLSearchParams} params
 * @returns {() => void}
 */
function show(root, params) {
  const id = params.get("batch");
  return id === null ? showList(root) : showBatch(root, id);
}

/** @param {HTMLElement} root */
function showList(root) {
  const problem = h("p", { class: "problem", role: "alert" });
  const empty = h(
    "p",
    { class: "empty", hidden: true },
    "No batches yet. ",
    h("a", { href: `${PREFIX}/docs#/batches` }, "POST /batches"),
    " submits many jobs in one request.",
  );
  const body = h("tbody");
  const heads = COLUMNS.map(([title, name]) => h("th", { scope: "col", class: name }, title));
  const table = h(
    "table",
    { class: "batches", hidden: true },
    h("caption", { class: "visually-hidden" }, "Batches, newest first"),
    h("thead", null, h("tr", null, ...heads)),
    body,
  );
  const more = h("button", { type: "button", hidden: true, onclick: older }, "Older");
  root.append(
    h("h2", null, "Batches"),
    problem,
    h("div", { class: "panel list-panel table-scroll batches-panel" }, table, empty),
    more,
  );

  const rows = keyedRows(body, (/** @type {Batch} */ { id }) => id, row);
  /** @type {Batch[]} */
  let batches = [];
  /** @type {string | null} */
  let next = null;
  let disposed = false;
  /** @type {number | undefined} */
  let timer;

  const scheduleRefresh = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      refresh();
    }, REFRESH_MS);
  };
  const endJobs = onJobChanges((jobs) => jobs.some(({ batch_id }) => batch_id !== null) && scheduleRefresh(), {
    deleted: scheduleRefresh,
    reset: scheduleRefresh,
  });
  const endConnection = onConnection((loss) => loss === null && refresh());
  return () => {
    disposed = true;
    clearTimeout(timer);
    endJobs();
    endConnection();
  };

  /** Loads the first page again, and keeps the older batches below it. */
  async function refresh() {
    const page = await load("");
    if (!page) return;
    const last = page.batches.at(-1)?.id ?? "";
    const below = page.next === null ? [] : batches.filter(({ id }) => id < last);
    showBatches([...page.batches, ...below], below.length > 0 ? next : page.next);
  }

  async function older() {
    const page = await load(`&cursor=${encodeURIComponent(next ?? "")}`);
    if (page) showBatches([...batches, ...page.batches], page.next);
  }

  /** @param {string} query @returns {Promise<any>} null if the request failed or the view is no longer shown */
  async function load(query) {
    try {
      const page = await readJson(`/batches?limit=${PAGE_SIZE}${query}`);
      setText(problem, "");
      return disposed ? null : page;
    } catch (error) {
      setText(problem, /** @type {Error} */ (error).message);
      return null;
    }
  }

  /** @param {Batch[]} all @param {string | null} cursor */
  function showBatches(all, cursor) {
    batches = all;
    next = cursor;
    rows(batches);
    table.hidden = batches.length === 0;
    empty.hidden = batches.length > 0;
    more.hidden = next === null;
  }
}

/** @param {Batch} batch */
function row(batch) {
  const bar = progressBar();
  const chips = STATES.map((state) => h("span", { class: "state", "data-state": state, hidden: true }));
  const at = h("time", { datetime: batch.created_at, title: fullTime(batch.created_at) }, timeOf(batch.created_at));
  const link = h("a", { href: href({ view: "batches", batch: batch.id }) }, at);
  const labels = batch.labels.map((/** @type {string} */ label) =>
    h("span", { class: "label" }, h("bdi", null, label)),
  );
  const element = h(
    "tr",
    null,
    h("th", { scope: "row" }, link),
    h("td", { class: "batch-kind" }, kindOf(batch), " ", ...labels),
    h("td", { class: "batch-bar" }, bar.element),
    h("td", { class: "batch-states" }, ...chips),
  );
  return {
    element,
    /** @param {Batch} latest */
    update(latest) {
      bar.update(latest);
      STATES.forEach((state, index) => {
        setText(chips[index], `${number(latest.counts[state])} ${state}`);
        setAttribute(chips[index], "hidden", latest.counts[state] === 0);
      });
    },
  };
}
