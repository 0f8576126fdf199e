/**
 * The batches, newest first; and one of them, where the address names it.
 */

import { readJson } from "./api.js";
import { kindOf, progressBar, showBatch, STATES } from "./batch.js";
import { h } from "./dom.js";
import { when } from "./format.js";
import { href } from "./route.js";
import { onJobs } from "./store.js";

export const view = { name: "batches", title: "Batches", show };

const PAGE = 50;

/** Between two looks at the list while its jobs change. */
const REFRESH_MS = 2000;

/**
 * @param {HTMLElement} root
 * @param {URLSearchParams} params
 * @returns {() => void}
 */
export function show(root, params) {
  const id = params.get("batch");
  return id === null ? showList(root) : showBatch(root, id);
}

/** @param {HTMLElement} root */
function showList(root) {
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const empty = h("p", { class: "empty", hidden: true }, "No batches yet. ", h("code", {}, "POST /batches"), " accepts many jobs in one call.");
  const rows = h("tbody");
  const table = h(
    "table",
    { class: "batches", hidden: true },
    h("caption", { class: "visually-hidden" }, "Batches, newest first"),
    h("thead", {}, h("tr", {}, ...["Accepted", "Made from", "Progress", "Jobs"].map((words) => h("th", { scope: "col" }, words)))),
    rows,
  );
  const more = h("button", { type: "button", hidden: true }, "Older");
  root.replaceChildren(h("h2", {}, "Batches"), problem, empty, h("div", { class: "table-scroll" }, table), more);

  /** @type {Map<string, ReturnType<typeof row>>} */
  const shown = new Map();
  /** @type {string | null} */
  let next = null;
  let gone = false;
  /** @type {number | undefined} */
  let timer;

  /** @param {string} query @param {(element: HTMLElement) => void} place where new ones go */
  async function load(query, place) {
    try {
      const page = await readJson(`/batches?limit=${PAGE}${query}`);
      if (gone) return null;
      for (const batch of page.batches) {
        if (!shown.has(batch.id)) {
          shown.set(batch.id, row(batch));
          place(/** @type {any} */ (shown.get(batch.id)).element);
        }
        shown.get(batch.id)?.update(batch);
      }
      problem.hidden = true;
      table.hidden = shown.size === 0;
      empty.hidden = shown.size > 0;
      return page;
    } catch (error) {
      problem.textContent = /** @type {any} */ (error).detail ?? String(error);
      problem.hidden = false;
      return null;
    }
  }

  async function older(query = "") {
    const page = await load(query, (element) => rows.append(element));
    if (page) next = page.next;
    more.hidden = next === null;
  }

  more.addEventListener("click", () => older(`&cursor=${encodeURIComponent(next ?? "")}`));
  older();
  const end = onJobs((jobs) => {
    if (timer !== undefined || !jobs.some(({ batch_id }) => batch_id)) return;
    timer = setTimeout(() => {
      timer = undefined;
      const before = rows.firstChild;
      load("", (element) => rows.insertBefore(element, before));
    }, REFRESH_MS);
  });
  return () => {
    gone = true;
    clearTimeout(timer);
    end();
  };
}

/** @param {any} batch */
function row(batch) {
  const bar = progressBar();
  const counts = h("td", { class: "batch-states" });
  const link = h("a", { href: href({ view: "batches", batch: batch.id }) }, when(batch.created_at));
  const made = [kindOf(batch), ...batch.labels].join(" · ");
  const element = h("tr", {}, h("th", { scope: "row" }, link), h("td", {}, made), h("td", {}, bar.element), counts);
  return {
    element,
    /** @param {any} latest */
    update(latest) {
      bar.update(latest);
      const there = STATES.filter((state) => latest.counts[state] > 0);
      counts.replaceChildren(
        ...there.map((state) => h("span", { class: "state", "data-state": state }, `${latest.counts[state]} ${state}`)),
      );
    },
  };
}
