/**
 * Submitting a job: a task is chosen, its form filled in, and what would be sent is shown as a line for a shell.
 */

import { ApiProblem, hasKey, readText, send } from "../service/api.js";
import { copyButton } from "../parts/copy.js";
import { curlLine } from "../service/curl.js";
import { h, setText } from "../parts/dom.js";
import { createForm } from "../forms/form.js";
import { prose } from "../forms/field.js";
import { parse, write } from "../service/json.js";
import { fromQuery, optionsSchema, toQuery } from "../options.js";
import { go, href } from "../route.js";

/** @typedef {{name: string, summary: string, description: string, params: any, limits: any, example: any}} Task */

export const view = { name: "submit", title: "Submit", show };

/**
 * Shows the form of the task that `params` name, filled in with what else they have.
 * @param {HTMLElement} root
 * @param {URLSearchParams} params
 */
function show(root, params) {
  let gone = false;
  const holder = h("div", {}, h("p", { class: "muted" }, "Loading the tasks…"));
  root.replaceChildren(h("h2", {}, "Submit a job"), holder);
  load().catch((error) => {
    if (!gone)
      holder.replaceChildren(h("p", { class: "problem", role: "alert" }, /** @type {Error} */ (error).message));
  });
  return () => {
    gone = true;
  };

  async function load() {
    /** @type {Task[]} */
    const tasks = parse(await readText("/tasks")).tasks;
    if (gone) return;
    const asked = params.get("task");
    const task = asked === null ? tasks[0] : tasks.find(({ name }) => name === asked);
    const choose = chooser(tasks, task?.name);
    if (!task) {
      holder.replaceChildren(choose, h("p", { class: "problem", role: "alert" }, `There is no task ${asked}.`));
    } else {
      holder.replaceChildren(submission(task, params, choose));
    }
  }
}

/** @param {Task[]} tasks @param {string | undefined} chosen */
function chooser(tasks, chosen) {
  const options = tasks.map(({ name }) => h("option", { value: name, selected: name === chosen }, name));
  const none = chosen === undefined ? [h("option", { value: "", selected: true }, "Choose…")] : [];
  const select = h("select", { id: "task" }, ...none, ...options);
  select.addEventListener("change", () => go({ view: "submit", task: select.value }));
  return h("div", { class: "field" }, h("label", { for: "task", class: "field-label" }, "Task"), select);
}

/** @param {Task} task @param {URLSearchParams} params @param {HTMLElement} choose */
function submission(task, params, choose) {
  const form = createForm(task.params, { changed });
  const options = createForm(optionsSchema(task), { changed });
  const given = params.get("params");
  const asked = fromQuery(params);
  /** A submission that got no answer may have arrived: sent again unchanged, it is the same one. */
  let latest = { sent: "", key: "" };

  const problem = h("p", { class: "problem", role: "alert" });
  const button = h("button", { type: "submit", class: "primary" }, "Submit");
  const folded = h(
    "details",
    { class: "options", open: Object.keys(asked).length > 0 },
    h("summary", {}, "Options"),
    options.element,
  );
  const turn = h("button", { type: "button", class: "quiet", onclick: () => form.turn() });
  const example = h(
    "button",
    { type: "button", class: "quiet", onclick: () => form.set(task.example) },
    "Fill in an example",
  );
  example.hidden = task.example === null || form.empty;
  const element = h(
    "form",
    { class: "submit-form", novalidate: true, "aria-label": `Parameters of ${task.name}` },
    form.empty ? h("p", { class: "muted" }, "This task takes no parameters.") : form.element,
    h("div", { class: "form-tools" }, example, form.empty ? null : turn),
    folded,
    problem,
    h("div", { class: "form-actions" }, button, h("span", { class: "field-hint" }, "or Ctrl+Enter")),
  );
  const line = h("pre", { class: "code curl", tabindex: "0", "aria-label": "The same with curl" });
  const link = copyButton("Copy a link to this form", address);
  link.hidden = holdsSecrets(task.params);
  const aside = h(
    "aside",
    { class: "submit-aside", "aria-labelledby": "curl-title" },
    h("h3", { id: "curl-title" }, "The same with curl"),
    line,
    h(
      "div",
      { class: "form-tools" },
      copyButton("Copy", () => line.textContent ?? ""),
      link,
    ),
  );

  element.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    submit();
  });
  element.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit();
  });
  if (given !== null && !fill(form, given)) setText(problem, "The link holds parameters that are not JSON.");
  options.set(asked);
  changed();
  const about = task.description === task.summary ? task.summary : `${task.summary}\n\n${task.description}`;
  return h("div", { class: "submit" }, h("div", null, choose, ...paragraphs(about), element), aside);

  function path() {
    const query = toQuery(options.read() ?? {}).toString();
    return `/jobs/${encodeURIComponent(task.name)}${query && `?${query}`}`;
  }

  function address() {
    const { label, ...others } = options.read() ?? {};
    return new URL(href({ view: "submit", task: task.name, params: form.text(), label, ...others }), location.href)
      .href;
  }

  /** What depends on what is filled in. */
  function changed() {
    line.textContent = curlLine(path(), { json: form.text(), keyed: hasKey() });
    turn.textContent = form.isJson() ? "Back to the form" : "Write it as JSON";
    turn.disabled = !form.canTurn();
  }

  async function submit() {
    if (button.disabled) return;
    setText(problem, "");
    if (!form.check()) return;
    if (!options.check()) return void (folded.open = true);
    button.disabled = true;
    try {
      const sent = path() + form.text();
      if (latest.sent !== sent) latest = { sent, key: newKey() };
      const job = await send("POST", path(), form.text(), { "Idempotency-Key": latest.key });
      go({ view: "job", job: job.id });
    } catch (error) {
      button.disabled = false;
      if (!(error instanceof ApiProblem) || !tellFields(error)) setText(problem, /** @type {Error} */ (error).message);
    }
  }

  /** Shows a problem at the fields that it is about; false where it is about none. @param {ApiProblem} error */
  function tellFields({ errors = [] }) {
    /** @param {string} where */
    const of = (where) =>
      errors.filter(({ loc }) => loc[0] === where).map(({ loc, msg }) => ({ loc: loc.slice(1), msg }));
    if (of("query").length > 0) folded.open = true;
    options.tell(of("query"));
    form.tell(of("body"));
    return of("query").length + of("body").length > 0;
  }
}

/** @param {ReturnType<typeof createForm>} form @param {string} text */
function fill(form, text) {
  try {
    form.set(parse(text));
    return true;
  } catch {
    return false;
  }
}

/** True for parameters that should not stand in an address. @param {any} schema */
const holdsSecrets = (schema) => write(schema).includes('"format": "password"');

/** A docstring's paragraphs. @param {string} text */
function paragraphs(text) {
  return text
    .split(/\n\s*\n/)
    .filter(Boolean)
    .map((part) => h("p", { class: "task-about" }, ...prose(part)));
}

/** A word that nobody else has; `crypto.randomUUID` is not there without TLS. */
const newKey = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(16)).join("-");
