/**
 * What a batch of file digests has produced: downloads of its report and manifests, and the findings of a verification.
 *
 * @typedef {import("./batch.js").Batch} Batch
 * @typedef {import("./batch.js").Attempt} Attempt
 */

import { h } from "../parts/dom.js";
import { number } from "../parts/format.js";
import { readJson, readText } from "../service/api.js";
import { download } from "../service/download.js";

/** The number of findings that are shown; the report has all. */
const SHOWN_FINDINGS = 100;

/** The end of a line about a file. Any other line of a report is a warning. */
const FILE_LINE = /: (FAILED|MISSING|FAILED open or read|CANCELLED)$/;

/**
 * Makes the buttons that download the report and the manifests.
 * @param {Batch} batch
 * @param {string} path
 * @param {Attempt} attempt
 */
export async function textButtons({ id, links }, path, attempt) {
  /** @type {HTMLElement[]} */
  const buttons = [];
  /** @param {string} caption @param {string} from @param {string} name */
  const add = (caption, from, name) => {
    const button = h("button", { type: "button" }, caption);
    button.addEventListener("click", () => attempt(() => download(from, name)));
    buttons.push(button);
  };
  if (links.report) add("Report", `${path}/report`, `${id}.report.txt`);
  if (links.manifest) {
    for (const algorithm of await algorithmsOf(id)) {
      add(`Manifest, ${algorithm}`, `${path}/manifest?algorithm=${algorithm}`, `${id}.${algorithm}`);
    }
  }
  return buttons;
}

/**
 * The algorithms of a batch: its jobs have the same ones, except for those that the lines of a manifest name.
 * @param {string} id
 */
async function algorithmsOf(id) {
  const { jobs } = await readJson(`/jobs?batch=${encodeURIComponent(id)}&limit=100`);
  const names = jobs.flatMap((/** @type {any} */ { params }) => [
    ...(params.algorithms ?? ["sha256"]),
    ...Object.keys(params.expected ?? {}),
  ]);
  return [...new Set(names)];
}

/**
 * Shows the files that differ from a manifest. A job succeeds also if its file differs, so the counts don't show that.
 * @param {string} path of the report
 * @returns {Promise<HTMLElement>}
 */
export async function verificationFindings(path) {
  const lines = (await readText(path)).split("\n").filter((line) => line !== "" && !line.endsWith(": OK"));
  if (lines.length === 0) {
    const text = h("span", { class: "state", "data-state": "succeeded" }, "Every file matches the manifest.");
    return h("p", { class: "findings" }, text);
  }
  const [files, warnings] = [true, false].map((wanted) => lines.filter((line) => FILE_LINE.test(line) === wanted));
  const ordered = [...warnings, ...files];
  const hidden = ordered.length - SHOWN_FINDINGS;
  return h(
    "section",
    { class: "panel findings", "aria-labelledby": "findings-title" },
    h("h3", { id: "findings-title" }, "Differences from the manifest"),
    h(
      "pre",
      { class: "code", tabindex: "0", "aria-labelledby": "findings-title" },
      ordered.slice(0, SHOWN_FINDINGS).join("\n"),
    ),
    hidden > 0 && h("p", { class: "muted" }, `And ${number(hidden)} more: see the report.`),
  );
}
