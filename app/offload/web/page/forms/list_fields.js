/**
 * The fields of a form that hold any number of values.
 *
 * @typedef {import("./field.js").Asked} Asked
 * @typedef {import("./field.js").Field} Field
 */

import { h } from "../parts/dom.js";
import { grouped } from "./field.js";
import { fieldFor } from "./group_fields.js";
import { same, write } from "../service/json.js";
import { shapeOf } from "./schema.js";
import { needed } from "./values.js";

/** What a list is where nobody has touched it. @param {Asked} asked */
const begin = ({ shape }) => (Array.isArray(shape.schema.default) ? shape.schema.default : []);

/** Nothing where it may be left out and is as it would be then. @param {Asked} asked @param {any[]} values */
const told = (asked, values) => (!asked.required && same(values, begin(asked)) ? undefined : values);

/** Some of a few values: a box for each. @param {Asked} asked @returns {Field} */
export function setField(asked) {
  const { shape, form } = asked;
  const values = shapeOf(shape.schema.items, form.root).schema.enum;
  /** @type {HTMLInputElement[]} */
  const boxes = values.map(() => h("input", { type: "checkbox", id: form.newId() }));
  const parts = boxes.map((box, index) => {
    const words = typeof values[index] === "string" ? values[index] : write(values[index]);
    return h("div", { class: "field-give" }, box, h("label", { for: box.id }, words));
  });
  const chosen = () => values.filter((/** @type {any} */ _, /** @type {number} */ index) => boxes[index].checked);
  const field = grouped(asked, {
    parts: [h("div", { class: "field-set" }, ...parts)],
    control: boxes[0],
    read: () => told(asked, chosen()),
    set(value) {
      const wanted = Array.isArray(value) ? value : begin(asked);
      boxes.forEach((box, index) => (box.checked = wanted.some((one) => same(one, values[index]))));
    },
    complaint: () => countComplaint(chosen().length, shape.schema),
    child: () => undefined,
    children: () => [],
  });
  field.set(undefined);
  return field;
}

/** Values one below the other. @param {Asked} asked @returns {Field} */
export function listField(asked) {
  const { shape, form } = asked;
  const rows = rowsOf(asked, (value) => {
    const field = fieldFor(shape.schema.items, { label: `item of ${asked.label}`, required: true, form });
    field.set(value);
    return { parts: [field.element], field };
  });
  const field = grouped(asked, {
    parts: rows.parts,
    control: rows.add,
    read: () =>
      told(
        asked,
        rows.rows.map((row) => row.field.read()),
      ),
    set: (value) => rows.set(Array.isArray(value) ? value : begin(asked)),
    complaint: () => countComplaint(rows.rows.length, shape.schema),
    child: (part) => rows.rows[Number(part)]?.field,
    children: () => rows.rows.map((row) => row.field),
  });
  field.set(undefined);
  return field;
}

/** Values under names that are typed. @param {Asked} asked @returns {Field} */
export function mapField(asked) {
  const { shape, form } = asked;
  const begun = shape.schema.default ?? {};
  const rows = rowsOf(asked, (/** @type {[string, any]} */ [name, value] = ["", undefined]) => {
    const key = h("input", { type: "text", value: name, "aria-label": `Name in ${asked.label}`, autocomplete: "off" });
    const field = fieldFor(shape.schema.additionalProperties, { label: "value", required: true, form });
    field.set(value);
    return { parts: [key, field.element], field, key };
  });
  const read = () => Object.fromEntries(rows.rows.map((row) => [row.key.value, row.field.read()]));
  const field = grouped(asked, {
    parts: rows.parts,
    control: rows.add,
    read: () => (!asked.required && same(read(), begun) ? undefined : read()),
    set: (value) => rows.set(Object.entries(value ?? begun)),
    complaint() {
      const twice = rows.rows.length > Object.keys(read()).length;
      return twice ? "Give each name once." : "";
    },
    child: (part) => rows.rows.find((row) => row.key.value === part)?.field,
    children: () => rows.rows.map((row) => row.field),
  });
  field.set(undefined);
  return field;
}

/**
 * Rows that can be added and removed.
 * @param {Asked} asked
 * @param {(value: any) => {parts: HTMLElement[], field: Field, key?: any}} make
 */
function rowsOf(asked, make) {
  /** @type {ReturnType<typeof make>[]} */
  const rows = [];
  const holder = h("ol", { class: "field-rows" });
  const add = h("button", { type: "button", class: "quiet" }, `Add to ${asked.label}`);
  add.addEventListener("click", () => {
    first(append(undefined)).focus();
    changed(holder);
  });
  /** @param {any} value */
  function append(value) {
    const row = make(value);
    const remove = h(
      "button",
      { type: "button", class: "quiet", "aria-label": `Remove this from ${asked.label}` },
      "✕",
    );
    const item = h("li", {}, ...row.parts, remove);
    remove.addEventListener("click", () => {
      const index = rows.indexOf(row);
      rows.splice(index, 1);
      item.remove();
      const near = rows[index] ?? rows[index - 1];
      (near ? first(near) : add).focus();
      changed(holder);
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

/** What takes the focus of a row. @param {{field: Field, key?: HTMLElement}} row */
const first = (row) => row.key ?? row.field.control;

/** Tells the form, as typing does. @param {HTMLElement} element */
const changed = (element) => element.dispatchEvent(new Event("input", { bubbles: true }));

/** @param {number} count @param {Record<string, any>} schema */
function countComplaint(count, { minItems = 0, maxItems = Infinity }) {
  if (count < minItems) return count === 0 ? needed(true) : `Give at least ${minItems}.`;
  return count > maxItems ? `Give at most ${maxItems}; these are ${count}.` : "";
}
