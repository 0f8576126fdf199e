/**
 * What a job's attempts have printed and logged: as it comes while it runs, and whole once it has ended.
 *
 * @typedef {import("../live/jobs.js").Job} Job
 * @typedef {{at: string, attempt: number, stream: string | null, level: string | null, logger: string | null, text: string, unfinished: boolean}} Line
 */

import { ask } from "../service/api.js";
import { copyButton } from "../parts/copy.js";
import { h, setText } from "../parts/dom.js";
import { download } from "../service/download.js";
import { number, when } from "../parts/format.js";
import { titled } from "./outcome.js";
import { isOver } from "../parts/states.js";

/** The newest ones are shown; a download has all that are kept. */
const MOST = 1000;

/** So close to its end the log follows what comes. */
const AT_END_PX = 8;

/** Control characters, and those that end a line or turn the direction of writing: as in the text of `GET /jobs/{id}/logs`. */
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** @param {string} path of the job */
export function logPart(path) {
  const lines = h("div", { class: "code log", tabindex: "0", role: "group", "aria-label": "Lines" });
  const words = h("p", { class: "muted" });
  const problem = h("p", { class: "problem", role: "alert" });
  /** What is shown, a record each. @type {string[]} */
  let records = [];
  const copy = copyButton("Copy", () => records.map((record) => plain(JSON.parse(record))).join("\n"), "Copy the log");
  const take = h("button", { type: "button", class: "quiet" }, "Download");
  take.addEventListener("click", async () => {
    setText(problem, "");
    await download(`${path}/logs`, `${path.split("/").pop()}.log`).catch((error) => setText(problem, error.message));
  });
  const head = titled("log-title", "Log", copy, take);
  const element = h("section", { class: "panel", "aria-labelledby": "log-title", hidden: true }, head, words, problem, lines);
  let shown = "";
  let whole = false;
  let asking = false;

  /** @param {Job} job */
  async function look(job) {
    const over = isOver(job);
    if (asking || whole || job.state === "queued") return;
    asking = true;
    try {
      const text = await (await ask(`${path}/logs`, { headers: { Accept: "application/jsonl" } })).text();
      whole = over;
      if (text !== shown) show(text);
    } catch {
      // The next look tells; a job that is not there any more is told by its stream.
    } finally {
      asking = false;
    }
  }

  /** @param {string} text */
  function show(text) {
    shown = text;
    const told = text.split("\n").filter(Boolean);
    const newest = told.slice(-MOST);
    const left = told.length - newest.length;
    const follows = lines.scrollHeight - lines.scrollTop - lines.clientHeight < AT_END_PX;
    element.hidden = told.length === 0;
    words.hidden = left === 0;
    setText(words, `The newest ${number(MOST)} lines. Download has ${number(left)} more.`);
    // Rows that stay are left alone, or who marks some would lose the mark.
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

  return { element, look };
}

/** What a terminal or an editor may have pasted: control characters in words. @param {Line} line */
function plain({ at, attempt, stream, level, logger, text }) {
  const harmless = text.replace(HIDDEN, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return `${at} [${attempt}] ${stream ?? `${level} ${logger}`}: ${harmless}`;
}

/** @param {Line} line @param {Line | undefined} before */
function row(line, before) {
  const first = line.attempt > 1 || before ? line.attempt !== before?.attempt : false;
  return h(
    "div",
    { class: "log-line", "data-level": line.level ?? "" },
    first && h("div", { class: "log-attempt" }, `Attempt ${line.attempt}`),
    h("time", { datetime: line.at, title: line.at }, when(line.at)),
    " ",
    line.level && h("span", { class: "log-level", title: line.logger ?? "" }, `${line.level} `),
    line.stream === "stderr" && h("span", { class: "log-stream" }, "stderr "),
    h("bdi", {}, line.text),
  );
}
