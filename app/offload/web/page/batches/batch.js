/**
 * One batch: its progress, the states of its jobs, and actions.
 */

import { followEvents } from "../live/event_stream.js";
import { confirmed } from "../parts/confirm.js";
import { h, setText } from "../parts/dom.js";
import { number, timeOf } from "../parts/format.js";
import { STATES } from "../parts/states.js";
import { href, navigate } from "../route.js";
import { send } from "../service/api.js";
import { download } from "../service/download.js";
import { textButtons, verificationFindings } from "./outputs.js";

/** @typedef {any} Batch as `GET /batches/{id}` returns it */
/** @typedef {(act: () => Promise<any>) => Promise<void>} Attempt runs an action and shows its error */

const KINDS = { jobs: "Jobs", "file-digest": "File digests", verify: "Verification of a manifest" };

/** The kind of a batch as text. @param {Batch} batch */
export const kindOf = ({ kind }) => KINDS[/** @type {keyof typeof KINDS} */ (kind)] ?? kind;

/**
 * Shows a batch, updated until it is done.
 * @param {HTMLElement} root
 * @param {string} id
 * @returns {() => void}
 */
export function showBatch(root, id) {
  const back = h("p", { class: "back" }, h("a", { href: href({ view: "batches" }) }, "All batches"));
  const problem = h("p", { class: "problem", role: "alert" });
  const loading = h("p", { class: "muted" }, "Loading…");
  const body = h("div", {}, loading);
  root.replaceChildren(back, h("h2", {}, "Batch ", h("code", {}, id)), problem, body);
  const path = `/batches/${encodeURIComponent(id)}`;
  const sheet = batchSheet(id, path, attempt);
  let shown = false;
  /** True while the problem is that the batch could not be loaded. */
  let failed = false;
  /** @param {Error} error */
  const fail = (error) => {
    if (shown) return; // the banner reports the loss of the connection
    failed = true;
    loading.remove();
    setText(problem, error.message);
  };
  return followEvents(
    `${path}/events`,
    {
      batch: (batch) => {
        if (!shown) body.replaceChildren(...sheet.elements);
        if (failed) setText(problem, "");
        shown = true;
        failed = false;
        sheet.update(batch);
      },
    },
    {
      onRejected(error) {
        loading.remove();
        setText(problem, error.message);
      },
      onInterrupted: (error) => error && fail(error),
    },
  );

  /** @type {Attempt} */
  async function attempt(act) {
    setText(problem, "");
    try {
      await act();
    } catch (error) {
      setText(problem, /** @type {Error} */ (error).message);
    }
  }
}

/** @param {string} id @param {string} path @param {Attempt} attempt */
function batchSheet(id, path, attempt) {
  const times = h("span", { class: "muted" });
  const facts = h("p", { class: "batch-facts" }, times);
  const bar = progressBar();
  const counts = h("ul", { class: "batch-counts", "aria-label": "Jobs by state" });
  const links = Object.fromEntries(STATES.map((state) => [state, countLink(id, state)]));
  counts.append(...STATES.map((state) => h("li", {}, links[state].element)));
  const texts = h("div", { class: "batch-texts" });
  const findings = h("div");
  const results = h("button", { type: "button" }, "Results as JSON lines");
  results.addEventListener("click", () => attempt(() => download(`${path}/results`, `${id}.jsonl`)));
  const { cancel, remove } = actions(path, attempt);
  const tools = h("div", { class: "batch-tools" }, results, texts, cancel, remove);
  const status = h("p", { class: "visually-hidden", role: "status" });
  /** @type {Batch | null} */
  let previous = null;
  return {
    elements: [facts, status, bar.element, counts, tools, findings],
    /** @param {Batch} batch */
    update(batch) {
      if (previous === null) facts.append(...ownerAndLabels(batch));
      const ended = batch.finished_at ? ` · done ${timeOf(batch.finished_at)}` : "";
      setText(times, `${kindOf(batch)} · accepted ${timeOf(batch.created_at)}${ended}`);
      bar.update(batch);
      for (const state of STATES) links[state].update(batch.counts[state]);
      const focusMoves = batch.done && document.activeElement === cancel;
      cancel.hidden = batch.done;
      remove.hidden = !batch.done;
      if (focusMoves) remove.focus();
      if (batch.done && previous?.done === false) setText(status, "The batch is done.");
      if (batch.done && !previous?.done) {
        attempt(async () => texts.append(...(await textButtons(batch, path, attempt))));
        if (batch.links.report) attempt(async () => findings.append(await verificationFindings(`${path}/report`)));
      }
      previous = batch;
    },
  };
}

/** @param {string} path @param {Attempt} attempt */
function actions(path, attempt) {
  const cancel = h("button", { type: "button", class: "danger" }, "Cancel");
  cancel.addEventListener("click", () =>
    attempt(async () => {
      if (await confirmed("Cancel this batch?", "Its queued and running jobs will be cancelled.", "Cancel the batch")) {
        await send("POST", `${path}/cancel`);
      }
    }),
  );
  const remove = h("button", { type: "button", class: "danger" }, "Delete");
  remove.addEventListener("click", () =>
    attempt(async () => {
      if (await confirmed("Delete this batch?", "Its jobs, their results and uploads will be deleted.", "Delete")) {
        await send("DELETE", path);
        navigate({ view: "batches" });
      }
    }),
  );
  return { cancel, remove };
}

/** @param {Batch} batch */
function ownerAndLabels({ owner, labels }) {
  const elements = labels.map((/** @type {string} */ label) =>
    h("a", { class: "label", href: href({ view: "jobs", label }) }, h("bdi", null, label)),
  );
  return owner === null ? elements : [h("span", null, "of ", h("bdi", { class: "name" }, owner)), ...elements];
}

/** @param {string} id @param {string} state */
function countLink(id, state) {
  const count = h("strong", {}, "0");
  const name = h("span", { class: "state", "data-state": state }, state);
  const element = h("a", { href: href({ view: "jobs", batch: id, state }) }, count, " ", name);
  return {
    element,
    /** @param {number} jobs */
    update(jobs) {
      setText(count, number(jobs));
      element.classList.toggle("none", jobs === 0);
    },
  };
}

/** Makes a bar that shows how many jobs of a batch have finished. */
export function progressBar() {
  const bar = h("progress", { max: "1", "aria-label": "Finished jobs" });
  const text = h("span", { class: "muted" });
  return {
    element: h("div", { class: "batch-progress" }, bar, text),
    /** @param {Batch} batch */
    update({ progress }) {
      bar.value = progress.fraction;
      setText(text, `${number(progress.done)} of ${number(progress.total)}`);
    },
  };
}
