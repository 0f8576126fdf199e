/**
 * What stands around the control of a field: its label, what is said about it, what is wrong with it.
 *
 * @typedef {import("./schema.js").Schema} Schema
 * @typedef {import("./schema.js").Shape} Shape
 * @typedef {{label: string, shape: Shape, required: boolean, form: {root: Schema, newId: () => string}}} Asked
 *   `required`: it can't be left out
 * @typedef {{
 *   element: HTMLElement,
 *   control: HTMLElement,
 *   label: string,
 *   read: () => any,
 *   set: (value: any) => void,
 *   complaint: () => string,
 *   tell: (complaint: string) => void,
 *   child: (part: string | number) => Field | undefined,
 *   children: () => Field[],
 * }} Field
 *   `control` takes the focus; `read` gives what is to be sent, undefined where that is nothing; `set` shows a value,
 *   undefined for none; `complaint` says what is wrong, empty where nothing is, and `tell` shows that; `child` is the
 *   field that a part of an error's place leads to
 * @typedef {Pick<Field, "read" | "set" | "complaint">} Behaviour
 */

import { h } from "./dom.js";
import { hintOf } from "./values.js";

/**
 * A field of one control.
 * @param {Asked} asked
 * @param {HTMLElement} control
 * @param {Behaviour} behaviour
 * @returns {Field}
 */
export function framed(asked, control, behaviour) {
  const id = asked.form.newId();
  control.id = id;
  const box = control instanceof HTMLInputElement && control.type === "checkbox";
  const label = h("label", { for: id, class: "field-label" }, ...named(asked));
  const { hint, error } = remarks(asked, id);
  const around = h("div", { class: box ? "field field-check" : "field" }, label, hint, control, error);
  /** @type {Field} */
  const field = {
    ...behaviour,
    element: around,
    control,
    label: asked.label,
    tell: (complaint) => tell(field.control, error, complaint),
    child: () => undefined,
    children: () => [],
  };
  // A complaint that came as soon as a field is left would move the button that is being clicked.
  around.addEventListener("input", () => field.tell(""));
  describe(control, hint, error);
  return field;
}

/**
 * A field of other fields.
 * @param {Asked} asked
 * @param {{parts: HTMLElement[], control?: HTMLElement} & Behaviour & Pick<Field, "child" | "children">} group
 *   `control` is the fieldset itself unless there is a better one
 * @returns {Field}
 */
export function grouped(asked, { parts, control, ...behaviour }) {
  const { hint, error } = remarks(asked, asked.form.newId());
  const legend = h("legend", { class: "field-label" }, ...named(asked));
  const around = h("fieldset", { class: "field-group", tabindex: "-1" }, legend, hint, ...parts, error);
  describe(around, hint, error);
  around.addEventListener("input", () => say(error, ""));
  return {
    ...behaviour,
    element: around,
    control: control ?? around,
    label: asked.label,
    tell: (complaint) => say(error, complaint),
  };
}

/** The label's words. @param {Asked} asked */
function named({ label, shape, required }) {
  const title = shape.schema.title;
  // A title that pydantic made of the name says nothing new.
  const own = title && title.toLowerCase().replaceAll(" ", "_") !== label.toLowerCase() && shape.kind !== "choice";
  const words = own && !isModel(shape) ? [title, " ", h("code", {}, label)] : [label];
  return required || shape.kind === "const" ? words : [...words, " ", h("span", { class: "field-optional" }, "optional")];
}

/** Of a class the title is its name, and not that of the field. @param {Shape} shape */
const isModel = ({ kind, schema }) => kind === "object" || kind === "enum" || schema.properties !== undefined;

/** @param {Asked} asked @param {string} id */
function remarks({ shape, required }, id) {
  const about = (shape.schema.description ?? "").trim().replace(/[\p{L}\p{N}`)]$/u, "$&.");
  const words = [about, hintOf(shape, required)].filter(Boolean).join(" ");
  const hint = h("p", { id: `${id}-hint`, class: "field-hint", hidden: words === "" }, ...prose(words));
  const error = h("p", { id: `${id}-error`, class: "field-error", hidden: true });
  return { hint, error };
}

/**
 * A docstring's words, with what stands between backticks as code.
 * @param {string} text
 */
export function prose(text) {
  return text.split(/`([^`]+)`/).map((part, index) => (index % 2 ? h("code", {}, part) : part));
}

/** @param {HTMLElement} control @param {HTMLElement} hint @param {HTMLElement} error */
function describe(control, hint, error) {
  const ids = [error.id, ...(hint.hidden ? [] : [hint.id])];
  control.setAttribute("aria-describedby", ids.join(" "));
}

/** @param {HTMLElement} control @param {HTMLElement} error @param {string} complaint */
function tell(control, error, complaint) {
  say(error, complaint);
  if (complaint) control.setAttribute("aria-invalid", "true");
  else control.removeAttribute("aria-invalid");
}

/** @param {HTMLElement} error @param {string} complaint */
function say(error, complaint) {
  error.textContent = complaint;
  error.hidden = complaint === "";
}
