/**
 * The fields of a form with any number of values.
 *
 * @typedef {import("./field.js").FieldSpec} FieldSpec
 * @typedef {import("./field.js").Field} Field
 */

import { h } from "../parts/dom.js";
import { same, write } from "../service/json.js";
import { fieldGroup } from "./field.js";
import { fieldFor } from "./group_fields.js";
import { shapeOf } from "./schema.js";
import { requiredError } from "./values.js";

/** The values of an unchanged list. @param {FieldSpec} spec */
const initial = ({ shape }) => (Array.isArray(shape.schema.default) ? shape.schema.default : []);

/**
 * Returns the values, or undefined for an optional list with its default.
 * @param {FieldSpec} spec
 * @param {any[]} values
 */
const unlessDefault = (spec, values) => (!spec.required && same(values, initial(spec)) ? undefined : values);

/** A field for a subset of a few values: a checkbox for each. @param {FieldSpec} spec @returns {Field} */
export function setField(spec) {
  const { shape, form } = spec;
  const values = shapeOf(shape.schema.items, form.root).schema.enum;
  /** @type {HTMLInputElement[]} */
  const boxes = values.map(() => h("input", { type: "checkbox", id: form.newId() }));
  const parts = boxes.map((box, index) => {
    const label = typeof values[index] === "string" ? values[index] : write(values[index]);
    return h("div", { class: "field-give" }, box, h("label", { for: box.id }, label));
  });
  const chosen = () => values.filter((/** @type {any} */ _, /** @type {number} */ index) => boxes[index].checked);
  const field = fieldGroup(spec, {
    parts: [h("div", { class: "field-set" }, ...parts)],
    control: boxes[0],
    read: () => unlessDefault(spec, chosen()),
    set(value) {
      const wanted = Array.isArray(value) ? value : initial(spec);
      boxes.forEach((box, index) => (box.checked = wanted.some((chosen) => same(chosen, values[index]))));
    },
    validate: () => countError(chosen().length, shape.schema),
    child: () => undefined,
    children: () => [],
  });
  field.set(undefined);
  return field;
}

/** A list of values. @param {FieldSpec} spec @returns {Field} */
export function listField(spec) {
  const { shape, form } = spec;
  const rows = rowsOf(spec, (value) => {
    const field = fieldFor(shape.schema.items, { label: `item of ${spec.label}`, required: true, form });
    field.set(value);
    return { parts: [field.element], field };
  });
  const field = fieldGroup(spec, {
    parts: rows.parts,
    control: rows.add,
    read: () =>
      unlessDefault(
        spec,
        rows.rows.map((row) => row.field.read()),
      ),
    set: (value) => rows.set(Array.isArray(value) ? value : initial(spec)),
    validate: () => countError(rows.rows.length, shape.schema),
    child: (part) => rows.rows[Number(part)]?.field,
    children: () => rows.rows.map((row) => row.field),
  });
  field.set(undefined);
  return field;
}

/** An object whose keys are entered by the user. @param {FieldSpec} spec @returns {Field} */
export function mapField(spec) {
  const { shape, form } = spec;
  const initialMap = shape.schema.default ?? {};
  const rows = rowsOf(spec, (/** @type {[string, any]} */ [name, value] = ["", undefined]) => {
    const key = h("input", { type: "text", value: name, "aria-label": `Name in ${spec.label}`, autocomplete: "off" });
    const field = fieldFor(shape.schema.additionalProperties, { label: "value", required: true, form });
    field.set(value);
    return { parts: [key, field.element], field, key };
  });
  const read = () => Object.fromEntries(rows.rows.map((row) => [row.key.value, row.field.read()]));
  const field = fieldGroup(spec, {
    parts: rows.parts,
    control: rows.add,
    read: () => (!spec.required && same(read(), initialMap) ? undefined : read()),
    set: (value) => rows.set(Object.entries(value ?? initialMap)),
    validate() {
      const repeated = rows.rows.length > Object.keys(read()).length;
      return repeated ? "Each name can be used only once." : "";
    },
    child: (part) => rows.rows.find((row) => row.key.value === part)?.field,
    children: () => rows.rows.map((row) => row.field),
  });
  field.set(undefined);
  return field;
}

/**
 * Makes rows that can be added and removed.
 * @param {FieldSpec} spec
 * @param {(value: any) => {parts: HTMLElement[], field: Field, key?: any}} make
 */
function rowsOf(spec, make) {
  /** @type {ReturnType<typeof make>[]} */
  const rows = [];
  const holder = h("ol", { class: "field-rows" });
  const add = h("button", { type: "button", class: "quiet" }, `Add to ${spec.label}`);
  add.addEventListener("click", () => {
    firstControl(append(undefined)).focus();
    notify(holder);
  });
  /** @param {any} value */
  function append(value) {
    const row = make(value);
    const remove = h("button", { type: "button", class: "quiet", "aria-label": `Remove from ${spec.label}` }, "✕");
    const item = h("li", {}, ...row.parts, remove);
    remove.addEventListener("click", () => {
      const index = rows.indexOf(row);
      rows.splice(index, 1);
      item.remove();
      const near = rows[index] ?? rows[index - 1];
      (near ? firstControl(near) : add).focus();
      notify(holder);
    });
    rows.push(row);
    holder.append(item);
    return row;
  }
  return {
    rows,
    add,
    parts: [holder, add],
    /** @param {any[]} values */
    set(values) {
      rows.length = 0;
      holder.replaceChildren();
      values.forEach(append);
    },
  };
}

/** The control of a row that takes the focus. @param {{field: Field, key?: HTMLElement}} row */
const firstControl = (row) => row.key ?? row.field.control;

/** Notifies the form of a change, as typing does. @param {HTMLElement} element */
const notify = (element) => element.dispatchEvent(new Event("input", { bubbles: true }));

/** @param {number} count @param {Record<string, any>} schema */
function countError(count, { minItems = 0, maxItems = Infinity }) {
  if (count < minItems) return count === 0 ? requiredError(true) : `Add at least ${minItems}.`;
  return count > maxItems ? `At most ${maxItems} are allowed, not ${count}.` : "";
}
