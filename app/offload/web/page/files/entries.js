/**
 * The list of files: for each its progress, then its digests or its error.
 *
 * @typedef {import("./uploads.js").Entry} Entry
 */

import { copyButton } from "../parts/copy.js";
import { h, keyedRows, setAttribute, setText } from "../parts/dom.js";
import { bytes } from "../parts/format.js";
import { href } from "../route.js";
import { dismiss, isLive, onUploads, retry, stop, uploads } from "./uploads.js";

export function entryList() {
  const list = h("ul", { class: "file-list", "aria-label": "Files" });
  const status = h("p", { class: "visually-hidden", role: "status" });
  /** @type {(entries: Entry[]) => void} */
  const show = keyedRows(list, ({ key }) => key, row);
  const announced = new Set(uploads().filter((entry) => !isLive(entry)));
  const update = () => {
    show(uploads());
    for (const entry of uploads()) {
      if (isLive(entry) || announced.has(entry)) continue;
      announced.add(entry);
      status.textContent = `${entry.file.name}: ${outcome(entry).text}`;
    }
  };
  update();
  return { element: h("div", {}, list, status), dispose: onUploads(update) };
}

/** The outcome of a file as text, and the job state whose colour it has. @param {Entry} entry */
function outcome({ stage, job, problem }) {
  if (stage === "failed") return { text: problem || "Failed", state: "failed" };
  if (stage === "stopped") return { text: "Stopped", state: "cancelled" };
  if (stage !== "done") return { text: "", state: "running" };
  if (job.result.verified === true) return { text: "Matches the expected digest", state: "succeeded" };
  if (job.result.verified === false) return { text: "Does not match the expected digest", state: "failed" };
  return { text: "Digested", state: "succeeded" };
}

/** The present stage of a live file, as text. @param {Entry} entry @param {number} fraction */
function stageText({ stage, job }, fraction) {
  const percent = `${Math.floor(fraction * 100)} %`;
  if (stage === "waiting") return "Waiting";
  if (stage === "sending") return `Uploading, ${percent}`;
  return job?.state === "queued" ? "Queued" : `Digesting, ${percent}`;
}

/** @param {Entry} entry */
function row(entry) {
  const bar = h("progress", { max: "1", "aria-label": `Progress of ${entry.file.name}` });
  const text = h("span", { class: "file-stage" });
  const digests = h("dl", { class: "digests" });
  const link = h("a", { hidden: true }, "Job");
  const again = h("button", { type: "button", class: "quiet", onclick: () => retry(entry) }, "Try again");
  setAttribute(again, "aria-label", `Try again ${entry.file.name}`);
  const button = h("button", { type: "button", class: "quiet" });
  button.addEventListener("click", () => (isLive(entry) ? stop(entry) : dismiss(entry)));
  const element = h(
    "li",
    { class: "file-row" },
    h(
      "div",
      { class: "file-head" },
      h("bdi", { class: "file-name", title: entry.file.name }, entry.file.name),
      h("span", { class: "muted" }, bytes(entry.file.size)),
    ),
    h("div", { class: "file-actions" }, link, again, button),
    h("div", { class: "file-progress" }, bar, text),
    digests,
  );
  return { element, update };

  function update() {
    const { stage, job } = entry;
    const live = isLive(entry);
    const { text: result, state } = outcome(entry);
    setAttribute(element, "data-state", state);
    text.classList.toggle("state", !live);
    bar.hidden = !["sending", "digesting"].includes(stage);
    const fraction = stage === "sending" ? entry.sent / (entry.file.size || 1) : (job?.progress?.fraction ?? 0);
    bar.value = fraction;
    setText(text, live ? stageText(entry, fraction) : result);
    again.hidden = live || job !== null;
    setText(button, live ? "Stop" : "Dismiss");
    setAttribute(button, "aria-label", `${button.textContent} ${entry.file.name}`);
    if (job && link.hidden) {
      link.href = href({ view: "job", job: job.id });
      link.setAttribute("aria-label", `Job of ${entry.file.name}`);
      link.hidden = false;
    }
    if (stage === "done" && digests.childElementCount === 0) {
      for (const [name, value] of Object.entries(job.result.digests))
        digests.append(...digestLine(name, String(value)));
    }
  }
}

/** @param {string} name @param {string} value */
function digestLine(name, value) {
  const copy = copyButton("Copy", () => value, `Copy the ${name} digest`);
  return [h("dt", {}, name), h("dd", {}, h("code", {}, value), copy)];
}
