/**
 * One batch: how far it is, what became of its jobs, and what it has to give.
 */

import { readJson, send } from "../service/api.js";
import { confirmed } from "../parts/confirm.js";
import { h, setText } from "../parts/dom.js";
import { download } from "../service/download.js";
import { findings } from "./findings.js";
import { follow } from "../live/event_stream.js";
import { number, when } from "../parts/format.js";
import { go, href } from "../route.js";
import { STATES } from "../parts/states.js";

/** @typedef {any} Batch as `GET /batches/{id}` answers it */

const KINDS = { jobs: "Jobs", "file-digest": "Digests of files", verify: "Verification of a manifest" };

/** What a batch was made from, in words. @param {Batch} batch */
export const kindOf = ({ kind }) => KINDS[/** @type {keyof typeof KINDS} */ (kind)] ?? kind;

/**
 * Shows a batch, live until it is done.
 * @param {HTMLElement} root
 * @param {string} id
 * @returns {() => void}
 */
export function showBatch(root, id) {
  const back = h("p", { class: "back" }, h("a", { href: href({ view: "batches" }) }, "All batches"));
  const problem = h("p", { class: "problem", role: "alert" });
  const body = h("div", {}, h("p", { class: "muted" }, "Loading…"));
  root.replaceChildren(back, h("h2", {}, "Batch ", h("code", {}, id)), problem, body);
  const path = `/batches/${encodeURIComponent(id)}`;
  const shown = pieces(id, path, attempt);
  let begun = false;
  /** @param {Batch} batch */
  const tell = (batch) => {
    if (!begun) body.replaceChildren(...shown.elements);
    begun = true;
    shown.update(batch);
  };
  return follow(
    `${path}/events`,
    { batch: tell },
    {
      failed(error) {
        if (!begun) body.replaceChildren();
        setText(problem, error.message);
      },
    },
  );

  /** Does what a button is for, and says what went wrong. @param {() => Promise<any>} act */
  async function attempt(act) {
    setText(problem, "");
    try {
      await act();
    } catch (error) {
      setText(problem, /** @type {Error} */ (error).message);
    }
  }
}

/** @param {string} id @param {string} path @param {(act: () => Promise<any>) => Promise<void>} attempt */
function pieces(id, path, attempt) {
  const times = h("span", { class: "muted" });
  const facts = h("p", { class: "batch-facts" }, times);
  const bar = progressBar();
  const counts = h("ul", { class: "batch-counts", "aria-label": "Jobs by state" });
  const links = Object.fromEntries(STATES.map((state) => [state, countLink(id, state)]));
  counts.append(...STATES.map((state) => h("li", {}, links[state].element)));
  const texts = h("div", { class: "batch-texts" });
  const found = h("div");
  const results = h("button", { type: "button" }, "Results as JSON lines");
  results.addEventListener("click", () => attempt(() => download(`${path}/results`, `${id}.jsonl`)));
  const cancel = h("button", { type: "button", class: "danger" }, "Cancel");
  cancel.addEventListener("click", () =>
    attempt(async () => {
      if (await confirmed("Cancel this batch?", "Its queued and running jobs are stopped.", "Cancel the batch")) {
        await send("POST", `${path}/cancel`);
      }
    }),
  );
  const remove = h("button", { type: "button", class: "danger" }, "Delete");
  remove.addEventListener("click", () =>
    attempt(async () => {
      if (await confirmed("Delete this batch?", "Its jobs, their results and uploads are forgotten.", "Delete")) {
        await send("DELETE", path);
        go({ view: "batches" });
      }
    }),
  );
  const status = h("p", { class: "visually-hidden", role: "status" });
  let given = false;
  /** @type {boolean | null} whether it was done when it was last told; null before the first time */
  let told = null;
  return {
    elements: [facts, status, bar.element, counts, h("div", { class: "batch-tools" }, results, texts, cancel, remove), found],
    /** @param {Batch} batch */
    update(batch) {
      if (told === null) facts.append(...belongings(batch));
      const ended = batch.finished_at ? ` · done ${when(batch.finished_at)}` : "";
      setText(times, `${kindOf(batch)} · accepted ${when(batch.created_at)}${ended}`);
      bar.update(batch);
      for (const state of STATES) links[state].update(batch.counts[state]);
      const held = document.activeElement === cancel;
      cancel.hidden = batch.done;
      remove.hidden = !batch.done;
      if (batch.done && held) remove.focus();
      if (batch.done && told === false) setText(status, "The batch is done.");
      told = batch.done;
      if (batch.done && !given) {
        given = true;
        attempt(async () => texts.append(...(await textButtons(batch, path, attempt))));
        if (batch.links.report) attempt(async () => found.append(await findings(`${path}/report`)));
      }
    },
  };
}

/** To whom a batch belongs, and what it is called. @param {Batch} batch */
function belongings({ owner, labels }) {
  const named = labels.map((/** @type {string} */ label) =>
    h("a", { class: "label", href: href({ view: "jobs", label }) }, h("bdi", null, label)),
  );
  return owner === null ? named : [h("span", null, "of ", h("bdi", { class: "name" }, owner)), ...named];
}

/** @param {string} id @param {string} state */
function countLink(id, state) {
  const figure = h("strong", {}, "0");
  const word = h("span", { class: "state", "data-state": state }, state);
  const element = h("a", { href: href({ view: "jobs", batch: id, state }) }, figure, " ", word);
  return {
    element,
    /** @param {number} count */
    update(count) {
      setText(figure, number(count));
      element.classList.toggle("none", count === 0);
    },
  };
}

/** A bar with its share in words. */
export function progressBar() {
  const bar = h("progress", { max: "1", "aria-label": "Jobs that have ended" });
  const words = h("span", { class: "muted" });
  return {
    element: h("div", { class: "batch-progress" }, bar, words),
    /** @param {Batch} batch */
    update({ progress }) {
      bar.value = progress.fraction;
      setText(words, `${number(progress.done)} of ${number(progress.total)}`);
    },
  };
}

/** @param {Batch} batch @param {string} path @param {(act: () => Promise<any>) => Promise<void>} attempt */
async function textButtons({ id, links }, path, attempt) {
  /** @type {HTMLElement[]} */
  const buttons = [];
  /** @param {string} words @param {string} from @param {string} name */
  const add = (words, from, name) => {
    const button = h("button", { type: "button" }, words);
    button.addEventListener("click", () => attempt(() => download(from, name)));
    buttons.push(button);
  };
  if (links.report) add("Report", `${path}/report`, `${id}.report.txt`);
  if (links.manifest) {
    for (const algorithm of await computed(id)) {
      add(`Manifest, ${algorithm}`, `${path}/manifest?algorithm=${algorithm}`, `${id}.${algorithm}`);
    }
  }
  return buttons;
}

/** The algorithms of a batch of files: all of its jobs have the same, or what their lines name. @param {string} id */
async function computed(id) {
  const { jobs } = await readJson(`/jobs?batch=${encodeURIComponent(id)}&limit=100`);
  const names = jobs.flatMap((/** @type {any} */ { params }) => [
    ...(params.algorithms ?? ["sha256"]),
    ...Object.keys(params.expected ?? {}),
  ]);
  return [...new Set(names)];
}
