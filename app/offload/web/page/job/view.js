/**
 * One job: its whole story, and what can be done with it.
 */

import { hasKey, readText } from "../service/api.js";
import { everySecond } from "../live/connection.js";
import { copyButton } from "../parts/copy.js";
import { curlLine } from "../service/curl.js";
import { h, setText } from "../parts/dom.js";
import { actionBar } from "./actions.js";
import { logPart } from "./log.js";
import { resultPart, showError, titled } from "./outcome.js";
import { facts, story } from "./timeline.js";
import { progressWords, shortId, stateChip } from "../parts/job_summary.js";
import { parse, write } from "../service/json.js";
import { href } from "../route.js";
import { isOver } from "../parts/states.js";
import { watchJob } from "../live/jobs.js";

/** @typedef {import("../live/jobs.js").Job} Job */

export const view = { name: "job", title: "Job", show };

/**
 * @param {HTMLElement} root
 * @param {URLSearchParams} params
 */
function show(root, params) {
  const id = params.get("job") ?? "";
  const back = h("p", { class: "back" }, h("a", { href: href({ view: "jobs" }) }, "All jobs"));
  const waiting = h("p", { class: "muted" }, "Loading…");
  root.append(back, h("h2", null, "Job"), waiting);
  /** @type {ReturnType<typeof sheet> | null} */
  let shown = null;
  const end = watchJob(
    id,
    (job) => {
      if (!shown) {
        shown = sheet(job);
        root.replaceChildren(back, shown.element);
      }
      shown.update(job);
    },
    (why) => {
      end();
      root.replaceChildren(back, h("h2", null, "Job"), h("p", { class: "problem", role: "alert" }, why.message));
    },
  );
  const tick = everySecond(() => shown?.tick());
  return () => {
    end();
    tick();
  };
}

/** @param {Job} begin */
function sheet(begin) {
  let job = begin;
  const path = `/jobs/${begin.id}`;
  const chip = stateChip();
  const status = h("p", { class: "visually-hidden", role: "status" });
  const problem = h("p", { class: "problem", role: "alert" });
  const actions = actionBar(() => job, path, problem);
  const progress = progressPart();
  const timeline = story();
  const figures = facts();
  const error = h("section", { class: "panel job-error", "aria-labelledby": "error-title", hidden: true });
  const params = h("pre", { class: "code", tabindex: "0", "aria-label": "Parameters" }, write(begin.params, ""));
  const result = resultPart(path);
  const log = logPart(path);
  const curls = curlPart(path);
  const about = h(
    "p",
    { class: "job-about" },
    h("code", { class: "job-id" }, begin.id),
    copyButton("Copy", () => begin.id, "Copy the id"),
    ...belongings(begin),
  );
  let exact = "";

  return {
    element: h(
      "div",
      { class: "job" },
      h(
        "header",
        { class: "job-head" },
        h("h2", null, h("bdi", null, begin.task), " ", h("span", { class: "short-id" }, shortId(begin))),
        chip.element,
        actions.element,
      ),
      about,
      problem,
      status,
      progress.element,
      error,
      h(
        "div",
        { class: "job-columns" },
        h(
          "div",
          { class: "job-main" },
          result.element,
          log.element,
          h(
            "section",
            { class: "panel", "aria-labelledby": "params-title" },
            titled(
              "params-title",
              "Parameters",
              copyButton("Copy", () => params.textContent ?? "", "Copy the parameters"),
            ),
            params,
          ),
          curls.element,
        ),
        h(
          "div",
          { class: "job-side" },
          h(
            "section",
            { class: "panel", "aria-labelledby": "story-title" },
            titled("story-title", "Story"),
            timeline.element,
          ),
          h(
            "section",
            { class: "panel", "aria-labelledby": "facts-title" },
            titled("facts-title", "Facts"),
            figures.element,
          ),
        ),
      ),
    ),
    /** @param {Job} latest */
    update(latest) {
      if (isOver(latest) && !isOver(job)) {
        status.textContent = `The job ${latest.state === "cancelled" ? "was cancelled" : latest.state}.`;
      }
      job = latest;
      document.title = `${job.task} ${shortId(job)}, ${job.state} · Offload`;
      chip.update(job.state);
      actions.update();
      progress.update(job);
      timeline.update(job);
      figures.update(job);
      curls.update(job);
      showError(error, job);
      if (isOver(job)) log.look(job);
      if (exact !== job.state) digits(job.state);
    },
    tick() {
      log.look(job); // also where the last look came to nothing
      if (job.state !== "running") return;
      timeline.update(job);
      figures.update(job);
    },
  };

  /** Parameters and result to the digit, which an event's numbers are not. @param {string} state */
  async function digits(state) {
    const first = exact === "";
    exact = state;
    result.wait(job);
    if (!first && state !== "succeeded") return;
    const text = await readText(path).catch(() => null); // who is not there any more is told by the stream
    if (text === null) return;
    const read = parse(text);
    setText(params, write(read.params, ""));
    result.show(read);
  }
}

/** To whom and what a job belongs. @param {Job} job */
function belongings({ owner, batch_id, labels }) {
  return [
    owner !== null && h("span", null, "of ", h("bdi", { class: "name" }, owner)),
    batch_id !== null && h("a", { href: href({ view: "batches", batch: batch_id }) }, "Its batch"),
    ...labels.map((/** @type {string} */ label) =>
      h("a", { class: "label", href: href({ view: "jobs", label }) }, h("bdi", null, label)),
    ),
  ];
}

function progressPart() {
  const bar = h("progress", { max: "1", "aria-label": "Progress" });
  const words = h("span", { class: "muted" });
  const element = h("div", { class: "job-progress" }, bar, words);
  return {
    element,
    /** @param {Job} job */
    update(job) {
      const fraction = job.progress?.fraction ?? null;
      element.hidden = job.state !== "running" || !job.progress;
      bar.hidden = fraction === null;
      if (fraction !== null) bar.value = fraction;
      setText(words, progressWords(job));
    },
  };
}

/** @param {string} path */
function curlPart(path) {
  const job = curlRow("This job", path);
  const events = curlRow("Its events", `${path}/events`);
  const logs = curlRow("Its log", `${path}/logs`);
  const result = curlRow("Its result", `${path}/result`);
  const head = titled("curl-title", "With curl");
  return {
    element: h("section", { class: "panel", "aria-labelledby": "curl-title" }, head, job, events, logs, result),
    /** @param {Job} latest */
    update(latest) {
      result.hidden = isOver(latest) && latest.state !== "succeeded";
    },
  };
}

/** @param {string} words @param {string} path */
function curlRow(words, path) {
  const line = curlLine(path, { keyed: hasKey() });
  return h(
    "div",
    { class: "curl-row" },
    h("span", { class: "muted" }, words),
    h("code", { class: "curl-line" }, line),
    copyButton("Copy", () => line, `Copy the curl line: ${words}`),
  );
}
