/**
 * The form of a task's parameters and options, and the same request with curl.
 *
 * @typedef {{name: string, summary: string, description: string, params: any, limits: any, example: any}} Task as
 *   `GET /tasks` returns it
 */

import { withCode } from "../forms/field.js";
import { createForm } from "../forms/form.js";
import { fromQuery, toQuery } from "../options.js";
import { copyButton } from "../parts/copy.js";
import { h, setText } from "../parts/dom.js";
import { href, navigate } from "../route.js";
import { send } from "../service/api.js";
import { curlLine } from "../service/curl.js";
import { ResponseError } from "../service/errors.js";
import { parse, write } from "../service/json.js";
import { hasKey } from "../service/key.js";

/**
 * @param {Task} task
 * @param {import("../options.js").OptionsSchema} schema of its options
 * @param {URLSearchParams} params the values of the fields
 * @param {HTMLElement} choice of the task, shown above the form
 */
export function submission(task, schema, params, choice) {
  const form = createForm(task.params, { onChange: update });
  const options = createForm(schema, { onChange: update });
  const given = params.get("params");
  const givenOptions = fromQuery(params, schema);
  /** The last submission, which may have arrived even without a response: the same request again has the same key. */
  let latest = { sent: "", key: "" };

  const problem = h("p", { class: "problem", role: "alert" });
  const button = h("button", { type: "submit", class: "primary" }, "Submit");
  const optionsBox = h(
    "details",
    { class: "options", open: Object.keys(givenOptions).length > 0 },
    h("summary", {}, "Options"),
    options.element,
  );
  const switchMode = h("button", { type: "button", class: "quiet", onclick: () => form.switchMode() });
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
    h("div", { class: "form-tools" }, example, form.empty ? null : switchMode),
    optionsBox,
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
  if (given !== null && !fill(form, given)) setText(problem, "The parameters in the link are not JSON.");
  options.set(givenOptions);
  update();
  const about = task.description === task.summary ? task.summary : `${task.summary}\n\n${task.description}`;
  return h("div", { class: "submit" }, h("div", null, choice, ...paragraphs(about), element), aside);

  function path() {
    const query = toQuery(options.read() ?? {}).toString();
    return `/jobs/${encodeURIComponent(task.name)}${query && `?${query}`}`;
  }

  function address() {
    return new URL(href({ view: "submit", task: task.name, params: form.text(), ...options.read() }), location.href).href;
  }

  /** Updates what depends on the fields. */
  function update() {
    line.textContent = curlLine(path(), { json: form.text(), keyed: hasKey() });
    switchMode.textContent = form.isJson() ? "Edit as a form" : "Edit as JSON";
    switchMode.disabled = !form.canSwitchMode();
  }

  async function submit() {
    if (button.disabled) return;
    setText(problem, "");
    if (!form.check()) return;
    if (!options.check()) return void (optionsBox.open = true);
    button.disabled = true;
    try {
      const sent = path() + form.text();
      if (latest.sent !== sent) latest = { sent, key: newIdempotencyKey() };
      const job = await send("POST", path(), form.text(), { "Idempotency-Key": latest.key });
      navigate({ view: "job", job: job.id });
    } catch (error) {
      button.disabled = false;
      if (!(error instanceof ResponseError) || !showFieldErrors(error))
        setText(problem, /** @type {Error} */ (error).message);
    }
  }

  /** Shows errors at their fields. @param {ResponseError} error @returns {boolean} false if it names no field */
  function showFieldErrors({ errors }) {
    /** @param {string} where */
    const of = (where) =>
      errors.filter(({ loc }) => loc[0] === where).map(({ loc, msg }) => ({ loc: loc.slice(1), msg }));
    if (of("query").length > 0) optionsBox.open = true;
    options.showErrors(of("query"));
    form.showErrors(of("body"));
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

/** True if the parameters should not be in an address. @param {any} schema */
const holdsSecrets = (schema) => write(schema).includes('"format": "password"');

/** The paragraphs of a docstring. @param {string} text */
function paragraphs(text) {
  return text
    .split(/\n\s*\n/)
    .filter(Boolean)
    .map((part) => h("p", { class: "task-about" }, ...withCode(part)));
}

/** A random key. Browsers have `crypto.randomUUID` only with TLS. */
const newIdempotencyKey = () =>
  Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(16)).join("-");
