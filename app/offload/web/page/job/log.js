/**
 * The log of a job's attempts: what they print and log. It is loaded again while the job runs, and once more at its
 * end.
 *
 * @typedef {import("../live/jobs.js").Job} Job
 * @typedef {{at: string, attempt: number, stream: string | null, level: string | null, logger: string | null, text:
 *   string, unfinished: boolean}} Line
 */

import { copyButton } from "../parts/copy.js";
import { h, setText } from "../parts/dom.js";
import { number, timeOf } from "../parts/format.js";
import { panelHead } from "../parts/panel.js";
import { isFinal } from "../parts/states.js";
import { readText } from "../service/api.js";
import { download } from "../service/download.js";

/** The number of lines that are shown, the newest; the download has all. */
const SHOWN_LINES = 1000;

/** The log scrolls to new lines if its end is not farther away. */
const NEAR_END_PX = 8;

/** Control characters, line separators and changes of the text direction: the same as `GET /jobs/{id}/logs` escapes. */
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** @param {string} path of the job */
export function logPanel(path) {
  const lines = h("div", { class: "code log", tabindex: "0", role: "group", "aria-label": "Lines" });
  const note = h("p", { class: "muted" });
  const problem = h("p", { class: "problem", role: "alert" });
  /** The JSON records of the lines that are shown. @type {string[]} */
  let records = [];
  const copy = copyButton("Copy", () => records.map((record) => plain(JSON.parse(record))).join("\n"), "Copy the log");
  const save = h("button", { type: "button", class: "quiet" }, "Download");
  save.addEventListener("click", async () => {
    setText(problem, "");
    await download(`${path}/logs`, `${path.split("/").pop()}.log`).catch((error) => setText(problem, error.message));
  });
  const head = panelHead("log-title", "Log", copy, save);
  const element = h(
    "section",
    { class: "panel", "aria-labelledby": "log-title", hidden: true },
    head,
    note,
    problem,
    lines,
  );
  let shown = "";
  let complete = false;
  let loading = false;

  /** Loads the log, unless that is not necessary. @param {Job} job */
  async function load(job) {
    const final = isFinal(job);
    if (loading || complete || job.state === "queued") return;
    loading = true;
    try {
      const text = await readText(`${path}/logs`, { headers: { Accept: "application/jsonl" } });
      complete = final;
      if (text !== shown) show(text);
    } catch {
      // The next call tries again; the event stream reports a job that was deleted.
    } finally {
      loading = false;
    }
  }

  /** @param {string} text */
  function show(text) {
    shown = text;
    const all = text.split("\n").filter(Boolean);
    const newest = all.slice(-SHOWN_LINES);
    const older = all.length - newest.length;
    const follows = lines.scrollHeight - lines.scrollTop - lines.clientHeight < NEAR_END_PX;
    element.hidden = all.length === 0;
    note.hidden = older === 0;
    setText(note, `The newest ${number(SHOWN_LINES)} lines. The download has ${number(older)} more.`);
    // Unchanged rows are kept, so that selected text stays selected.
    let same = 0;
    while (same < newest.length && newest[same] === records[same]) same += 1;
    while (lines.childElementCount > same) lines.lastElementChild?.remove();
    /** @type {Line[]} */
    const parsed = newest.slice(Math.max(0, same - 1)).map((record) => JSON.parse(record));
    if (same > 0) lines.append(...parsed.slice(1).map((line, place) => row(line, parsed[place])));
    else lines.append(...parsed.map((line, place) => row(line, parsed[place - 1])));
    records = newest;
    if (follows) lines.scrollTop = lines.scrollHeight;
  }

  return { element, load };
}

/** Formats a line for the clipboard, with control characters escaped. @param {Line} line */
function plain({ at, attempt, stream, level, logger, text }) {
  const escaped = text.replace(UNSAFE, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return `${at} [${attempt}] ${stream ?? `${level} ${logger}`}: ${escaped}`;
}

/** @param {Line} line @param {Line | undefined} before */
function row(line, before) {
  const first = line.attempt > 1 || before ? line.attempt !== before?.attempt : false;
  return h(
    "div",
    { class: "log-line", "data-level": line.level ?? "" },
    first && h("div", { class: "log-attempt" }, `Attempt ${line.attempt}`),
    h("time", { datetime: line.at, title: line.at }, timeOf(line.at)),
    " ",
    line.level && h("span", { class: "log-level", title: line.logger ?? "" }, `${line.level} `),
    line.stream === "stderr" && h("span", { class: "log-stream" }, "stderr "),
    h("bdi", {}, line.text),
  );
}
