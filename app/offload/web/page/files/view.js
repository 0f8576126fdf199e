/**
 * Digests of files that are dragged onto the page or chosen: what to compute, and a row for each file.
 */

import { readText } from "../service/api.js";
import { copyButton } from "../parts/copy.js";
import { h, keyedRows, setAttribute, setText } from "../parts/dom.js";
import { expectedOf, lengthsOf } from "./expected.js";
import { bytes } from "../parts/format.js";
import { href } from "../route.js";
import { again, digest, onUploads, putAway, stop, uploads } from "./uploads.js";

/** @typedef {import("./uploads.js").Entry} Entry */

export const view = { name: "files", title: "Files", show };

/** What was chosen last, for files that are dropped while another view is shown. */
const wanted = { algorithms: ["sha256"], expected: "" };

/** @type {(words: string) => void} */
let say = () => {};

/**
 * Digests files, as chosen in this view.
 * @param {File[]} files
 * @param {number} [folders] that were dropped among them
 */
export async function take(files, folders = 0) {
  say("");
  try {
    const lengths = lengthsOf((await fileDigest()).params);
    const asked = files.map((file) => ({
      file,
      expected: expectedOf(wanted.expected, file.name, wanted.algorithms, lengths),
    }));
    for (const { file, expected } of asked) digest(file, { algorithms: [...wanted.algorithms], expected });
    if (folders > 0) say("A folder can't be uploaded: drop the files that are in it.");
  } catch (error) {
    say(/** @type {Error} */ (error).message);
  }
}

/** @type {Promise<any> | null} */
let known = null;

/** The task, asked for once. */
function fileDigest() {
  known ??= readText("/tasks/file-digest").then(JSON.parse);
  known.catch(() => (known = null));
  return known;
}

/** @param {HTMLElement} root */
function show(root) {
  const problem = h("p", { class: "problem", role: "alert" });
  say = (words) => setText(problem, words);
  const input = h("input", { type: "file", multiple: true, id: "files", class: "visually-hidden" });
  input.addEventListener("change", () => {
    take([...(input.files ?? [])]);
    input.value = ""; // the same file may be chosen again
  });
  const zone = h(
    "div",
    { class: "drop-zone" },
    input,
    h("label", { for: "files", class: "button primary" }, "Choose files"),
    h("p", {}, "or drag them anywhere onto this page"),
  );
  const { element: list, dispose } = entryList();
  const settings = h("div", { class: "file-settings" });
  root.replaceChildren(h("h2", {}, "Digest files"), zone, problem, settings, list);
  fileDigest().then(
    ({ params }) => settings.replaceChildren(algorithmBoxes(params), expectedArea()),
    (error) => say(error.message),
  );
  return () => {
    say = () => {};
    dispose();
  };
}

/** @param {any} params the task's schema */
function algorithmBoxes(params) {
  const boxes = params.properties.algorithms.items.enum.map((/** @type {string} */ name) => {
    const box = h("input", { type: "checkbox", id: `algorithm-${name}`, checked: wanted.algorithms.includes(name) });
    box.addEventListener("change", () => {
      const others = wanted.algorithms.filter((one) => one !== name);
      if (!box.checked && others.length === 0)
        box.checked = true; // there is nothing to do without one
      else wanted.algorithms = box.checked ? [...others, name] : others;
    });
    return h("div", { class: "field-give" }, box, h("label", { for: box.id }, name));
  });
  return h(
    "fieldset",
    { class: "field-group plain" },
    h("legend", { class: "field-label" }, "Algorithms"),
    h("div", { class: "field-set" }, ...boxes),
  );
}

function expectedArea() {
  const area = h("textarea", {
    id: "expected",
    class: "json",
    rows: 2,
    spellcheck: "false",
    autocomplete: "off",
    "aria-describedby": "expected-hint",
  });
  area.value = wanted.expected;
  area.addEventListener("input", () => (wanted.expected = area.value));
  return h(
    "div",
    { class: "field" },
    h(
      "label",
      { for: "expected", class: "field-label" },
      "Expected digest ",
      h("span", { class: "field-optional" }, "optional"),
    ),
    h(
      "p",
      { id: "expected-hint", class: "field-hint" },
      "A digest in hex, or lines as ",
      h("code", {}, "sha256sum"),
      " prints them. Files chosen from now on are compared with it.",
    ),
    area,
  );
}

function entryList() {
  const list = h("ul", { class: "file-list", "aria-label": "Files" });
  const status = h("p", { class: "visually-hidden", role: "status" });
  /** @type {(entries: Entry[]) => void} */
  const show = keyedRows(list, ({ key }) => key, row);
  const announced = new Set(uploads().filter(({ stage }) => !isLive(stage)));
  const update = () => {
    show(uploads());
    for (const entry of uploads()) {
      if (isLive(entry.stage) || announced.has(entry)) continue;
      announced.add(entry);
      status.textContent = `${entry.file.name}: ${outcome(entry).words}`;
    }
  };
  update();
  return { element: h("div", {}, list, status), dispose: onUploads(update) };
}

/** @param {Entry["stage"]} stage */
const isLive = (stage) => ["waiting", "sending", "digesting"].includes(stage);

/** What has become of a file, and which colour says so. @param {Entry} entry */
function outcome({ stage, job, problem }) {
  if (stage === "failed") return { words: problem || "Failed", state: "failed" };
  if (stage === "stopped") return { words: "Stopped", state: "cancelled" };
  if (stage !== "done") return { words: "", state: "running" };
  if (job.result.verified === true) return { words: "Matches what was expected", state: "succeeded" };
  if (job.result.verified === false) return { words: "Does not match what was expected", state: "failed" };
  return { words: "Digested", state: "succeeded" };
}

/** @param {Entry} entry */
function row(entry) {
  const bar = h("progress", { max: "1", "aria-label": `Progress of ${entry.file.name}` });
  const words = h("span", { class: "file-stage" });
  const found = h("dl", { class: "digests" });
  const link = h("a", { hidden: true }, "Job");
  const repeat = h("button", { type: "button", class: "quiet", onclick: () => again(entry) }, "Try again");
  setAttribute(repeat, "aria-label", `Try again ${entry.file.name}`);
  const button = h("button", { type: "button", class: "quiet" });
  button.addEventListener("click", () => (isLive(entry.stage) ? stop(entry) : putAway(entry)));
  const element = h(
    "li",
    { class: "file-row" },
    h(
      "div",
      { class: "file-head" },
      h("bdi", { class: "file-name", title: entry.file.name }, entry.file.name),
      h("span", { class: "muted" }, bytes(entry.file.size)),
    ),
    h("div", { class: "file-actions" }, link, repeat, button),
    h("div", { class: "file-progress" }, bar, words),
    found,
  );
  return { element, update };

  function update() {
    const { stage, job } = entry;
    const { words: ending, state } = outcome(entry);
    setAttribute(element, "data-state", state);
    words.classList.toggle("state", !isLive(stage));
    bar.hidden = !["sending", "digesting"].includes(stage);
    const share = stage === "sending" ? entry.sent / (entry.file.size || 1) : (job?.progress?.fraction ?? 0);
    bar.value = share;
    const percent = `${Math.floor(share * 100)} %`;
    const digesting = job?.state === "queued" ? "Queued" : `Digesting, ${percent}`;
    const now = { waiting: "Waiting", sending: `Uploading, ${percent}`, digesting }[/** @type {string} */ (stage)];
    setText(words, now ?? ending);
    repeat.hidden = isLive(stage) || job !== null;
    setText(button, isLive(stage) ? "Stop" : "Dismiss");
    setAttribute(button, "aria-label", `${button.textContent} ${entry.file.name}`);
    if (job && link.hidden) {
      link.href = href({ view: "job", job: job.id });
      link.setAttribute("aria-label", `Job of ${entry.file.name}`);
      link.hidden = false;
    }
    if (stage === "done" && found.childElementCount === 0) {
      for (const [name, value] of Object.entries(job.result.digests)) found.append(...digestLines(name, String(value)));
    }
  }
}

/** @param {string} name @param {string} value */
function digestLines(name, value) {
  const copy = copyButton("Copy", () => value, `Copy the ${name} digest`);
  return [h("dt", {}, name), h("dd", {}, h("code", {}, value), copy)];
}
