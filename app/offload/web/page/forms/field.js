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

import { h, setAttribute } from "../parts/dom.js";
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
  const remarks = remarksOf(asked, id);
  const around = h("div", { class: box ? "field field-check" : "field" }, label, remarks.hint, control, remarks.error);
  /** @type {Field} */
  const field = {
    ...behaviour,
    element: around,
    control,
    label: asked.label,
    tell(complaint) {
      say(field.control, remarks, complaint);
      setAttribute(field.control, "aria-invalid", complaint ? "true" : null);
    },
    child: () => undefined,
    children: () => [],
  };
  // A complaint that came as soon as a field is left would move the button that is being clicked.
  around.addEventListener("input", () => field.tell(""));
  say(control, remarks, "");
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
  const remarks = remarksOf(asked, asked.form.newId());
  const legend = h("legend", { class: "field-label" }, ...named(asked));
  const around = h("fieldset", { class: "field-group", tabindex: "-1" }, legend, remarks.hint, ...parts, remarks.error);
  around.addEventListener("input", () => say(around, remarks, ""));
  say(around, remarks, "");
  return {
    ...behaviour,
    element: around,
    control: control ?? around,
    label: asked.label,
    tell: (complaint) => say(around, remarks, complaint),
  };
}

/** The label's words. @param {Asked} asked */
function named({ label, shape, required }) {
  const title = shape.schema.title;
  // A title that pydantic made of the name says nothing new.
  const own = title && title.toLowerCase().replaceAll(" ", "_") !== label.toLowerCase() && shape.kind !== "choice";
  const words = own && !isModel(shape) ? [title, " ", h("code", {}, label)] : [label];
  return required || shape.kind === "const"
    ? words
    : [...words, " ", h("span", { class: "field-optional" }, "optional")];
}

/** Of a class the title is its name, and not that of the field. @param {Shape} shape */
const isModel = ({ kind, schema }) => kind === "object" || kind === "enum" || schema.properties !== undefined;

/** @param {Asked} asked @param {string} id */
function remarksOf({ shape, required }, id) {
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

/**
 * Shows a complaint, or none, and has it read with the control.
 * @param {HTMLElement} control
 * @param {ReturnType<typeof remarksOf>} remarks
 * @param {string} complaint
 */
function say(control, { hint, error }, complaint) {
  error.textContent = complaint;
  error.hidden = complaint === "";
  const read = [error, hint].filter((remark) => !remark.hidden).map((remark) => remark.id);
  setAttribute(control, "aria-describedby", read.length > 0 ? read.join(" ") : null);
}
