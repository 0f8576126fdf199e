/**
 * The frame of a form's field: its label, hint and error message around its control.
 *
 * @typedef {import("./schema.js").Schema} Schema
 * @typedef {import("./schema.js").Shape} Shape
 * @typedef {{label: string, shape: Shape, required: boolean, form: {root: Schema, newId: () => string}}} FieldSpec
 * @typedef {{
 *   element: HTMLElement,
 *   control: HTMLElement,
 *   label: string,
 *   read: () => any,
 *   set: (value: any) => void,
 *   validate: () => string,
 *   showError: (message: string) => void,
 *   child: (part: string | number) => Field | undefined,
 *   children: () => Field[],
 * }} Field
 *   `control` takes the focus; `read` returns the value to send, undefined for none; `set` shows a value, undefined for
 *   none; `validate` returns what is wrong with the value, empty if nothing is; `child` is the field for a part of an
 *   error's location
 * @typedef {Pick<Field, "read" | "set" | "validate">} Behaviour
 */

import { h, setAttribute } from "../parts/dom.js";
import { hintOf } from "./values.js";

/**
 * Makes a field with one control.
 * @param {FieldSpec} spec
 * @param {HTMLElement} control
 * @param {Behaviour} behaviour
 * @returns {Field}
 */
export function singleField(spec, control, behaviour) {
  const id = spec.form.newId();
  control.id = id;
  const isCheckbox = control instanceof HTMLInputElement && control.type === "checkbox";
  const label = h("label", { for: id, class: "field-label" }, ...labelContent(spec));
  const notes = notesOf(spec, id);
  const element = h(
    "div",
    { class: isCheckbox ? "field field-check" : "field" },
    label,
    notes.hint,
    control,
    notes.error,
  );
  /** @type {Field} */
  const field = {
    ...behaviour,
    element,
    control,
    label: spec.label,
    showError(message) {
      showMessage(field.control, notes, message);
      setAttribute(field.control, "aria-invalid", message ? "true" : null);
    },
    child: () => undefined,
    children: () => [],
  };
  // The field is not validated when it loses the focus: the message would move the button that the user clicks.
  element.addEventListener("input", () => field.showError(""));
  showMessage(control, notes, "");
  return field;
}

/**
 * Makes a field that consists of other fields.
 * @param {FieldSpec} spec
 * @param {{parts: HTMLElement[], control?: HTMLElement} & Behaviour & Pick<Field, "child" | "children">} group
 *   `control` is by default the fieldset
 * @returns {Field}
 */
export function fieldGroup(spec, { parts, control, ...behaviour }) {
  const notes = notesOf(spec, spec.form.newId());
  const legend = h("legend", { class: "field-label" }, ...labelContent(spec));
  const element = h("fieldset", { class: "field-group", tabindex: "-1" }, legend, notes.hint, ...parts, notes.error);
  element.addEventListener("input", () => showMessage(element, notes, ""));
  showMessage(element, notes, "");
  return {
    ...behaviour,
    element,
    control: control ?? element,
    label: spec.label,
    showError: (message) => showMessage(element, notes, message),
  };
}

/** @param {FieldSpec} spec */
function labelContent({ label, shape, required }) {
  const title = shape.schema.title;
  // By default pydantic makes the title from the name.
  const ownTitle = title && title.toLowerCase().replaceAll(" ", "_") !== label.toLowerCase() && shape.kind !== "choice";
  const content = ownTitle && !isModel(shape) ? [title, " ", h("code", {}, label)] : [label];
  return required || shape.kind === "const"
    ? content
    : [...content, " ", h("span", { class: "field-optional" }, "optional")];
}

/** True if the schema's title is the name of a class and not a title of the field. @param {Shape} shape */
const isModel = ({ kind, schema }) => kind === "object" || kind === "enum" || schema.properties !== undefined;

/** @param {FieldSpec} spec @param {string} id */
function notesOf({ shape, required }, id) {
  const description = (shape.schema.description ?? "").trim().replace(/[\p{L}\p{N}`)]$/u, "$&.");
  const text = [description, hintOf(shape, required)].filter(Boolean).join(" ");
  const hint = h("p", { id: `${id}-hint`, class: "field-hint", hidden: text === "" }, ...withCode(text));
  const error = h("p", { id: `${id}-error`, class: "field-error", hidden: true });
  return { hint, error };
}

/**
 * The text of a docstring, with the parts between backticks as code.
 * @param {string} text
 */
export function withCode(text) {
  return text.split(/`([^`]+)`/).map((part, index) => (index % 2 ? h("code", {}, part) : part));
}

/**
 * Shows an error message, or none, and makes it part of the control's accessible description.
 * @param {HTMLElement} control
 * @param {ReturnType<typeof notesOf>} notes
 * @param {string} message
 */
function showMessage(control, { hint, error }, message) {
  error.textContent = message;
  error.hidden = message === "";
  const ids = [error, hint].filter((note) => !note.hidden).map((note) => note.id);
  setAttribute(control, "aria-describedby", ids.length > 0 ? ids.join(" ") : null);
}
