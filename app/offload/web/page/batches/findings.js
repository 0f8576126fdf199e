/**
 * What the verification of a manifest has found. The job of a file that is not what it was succeeds all the same, so the
 * counts don't tell.
 */

import { readText } from "../service/api.js";
import { h } from "../parts/dom.js";
import { number } from "../parts/format.js";

/** The report has the others. */
const MOST = 100;

/** What is no such line is a warning. */
const ABOUT_A_FILE = /: (FAILED|MISSING|FAILED open or read|CANCELLED)$/;

/**
 * @param {string} path of the report
 * @returns {Promise<HTMLElement>}
 */
export async function findings(path) {
  const other = (await readText(path)).split("\n").filter((line) => line !== "" && !line.endsWith(": OK"));
  if (other.length === 0) {
    const words = h("span", { class: "state", "data-state": "succeeded" }, "Every file is what the manifest says.");
    return h("p", { class: "findings" }, words);
  }
  const [files, warnings] = [true, false].map((wanted) => other.filter((line) => ABOUT_A_FILE.test(line) === wanted));
  const told = [...warnings, ...files];
  const more = told.length - MOST;
  return h(
    "section",
    { class: "panel findings", "aria-labelledby": "findings-title" },
    h("h3", { id: "findings-title" }, "Not as the manifest says"),
    h("pre", { class: "code", tabindex: "0", "aria-labelledby": "findings-title" }, told.slice(0, MOST).join("\n")),
    more > 0 && h("p", { class: "muted" }, `And ${number(more)} more: see the report.`),
  );
}
