/**
 * The fields of a form that hold other fields: objects and what may be left out or chosen among.
 *
 * @typedef {import("./field.js").Asked} Asked
 * @typedef {import("./field.js").Field} Field
 * @typedef {import("./schema.js").Schema} Schema
 */

import { h } from "../parts/dom.js";
import { checkField, constField, enumField, jsonField, leftOut, textField } from "./value_fields.js";
import { grouped } from "./field.js";
import { listField, mapField, setField } from "./list_fields.js";
import { fits, resolve, shapeOf } from "./schema.js";
import { needed } from "./values.js";

/**
 * The field for a part of a schema.
 * @param {Schema | boolean} schema
 * @param {{label: string, required: boolean, form: Asked["form"]}} place
 * @returns {Field}
 */
export function fieldFor(schema, place) {
  const shape = shapeOf(schema, place.form.root);
  const asked = { ...place, shape };
  const given = shape.schema.default ?? null;
  // Left out, it is null already; else null is one more thing to choose.
  if (shape.nullable && (place.required || given !== null)) return choiceField(withNull(asked));
  switch (shape.kind) {
    case "string":
    case "integer":
    case "number":
      return textField(asked);
    case "boolean":
      return typeof shape.schema.default === "boolean" ? checkField(asked) : enumField(asked);
    case "enum":
      return enumField(asked);
    case "const":
    case "null":
      return constField(asked);
    case "set":
      return setField(asked);
    case "list":
      return listField(asked);
    case "map":
      return mapField(asked);
    case "choice":
      return choiceField(asked);
    case "object":
      return place.required ? objectField(asked) : optionalField(asked);
    default:
      return jsonField(asked);
  }
}

/** @param {Asked} asked @returns {Asked} */
function withNull(asked) {
  const { schema, branches } = asked.shape;
  const { default: given, description, ...bare } = schema;
  const all = [...(branches ?? [bare]), { type: "null", title: "none (null)" }];
  return {
    ...asked,
    shape: { kind: "choice", nullable: false, schema: { description, default: given }, branches: all },
  };
}

/** The members of an object, without anything around them. @param {Asked} asked */
export function membersOf({ shape, form }) {
  const { properties = {}, required = [] } = shape.schema;
  /** @type {Map<string, Field>} */
  const fields = new Map();
  for (const [name, schema] of Object.entries(properties)) {
    fields.set(name, fieldFor(schema, { label: name, required: required.includes(name), form }));
  }
  return {
    fields,
    elements: [...fields.values()].map((field) => field.element),
    read() {
      const members = [...fields].map(([name, field]) => [name, field.read()]);
      return Object.fromEntries(members.filter(([, value]) => value !== undefined));
    },
    /** @param {any} value */
    set(value) {
      for (const [name, field] of fields) field.set(value && Object.hasOwn(value, name) ? value[name] : undefined);
    },
  };
}

/** @param {Asked} asked @returns {Field} */
function objectField(asked) {
  const members = membersOf(asked);
  return grouped(asked, {
    parts: members.elements,
    read: members.read,
    set: members.set,
    complaint: () => "",
    child: (part) => members.fields.get(String(part)),
    children: () => [...members.fields.values()],
  });
}

/** An object that is there once its box is ticked. @param {Asked} asked @returns {Field} */
function optionalField(asked) {
  const box = h("input", { type: "checkbox", id: asked.form.newId() });
  const label = h("label", { for: box.id }, "Include it");
  const inside = h("div", { class: "field-inside" });
  /** @type {ReturnType<typeof membersOf> | null} */
  let members = null;
  const show = () => {
    members = box.checked ? membersOf(asked) : null; // made only now: a schema may hold itself
    inside.replaceChildren(...(members?.elements ?? []));
  };
  box.addEventListener("change", show);
  return grouped(asked, {
    parts: [h("div", { class: "field-give" }, box, label), inside],
    control: box,
    read: () => members?.read(),
    set(value) {
      box.checked = value !== undefined && value !== null;
      show();
      members?.set(value);
    },
    complaint: () => "",
    child: (part) => members?.fields.get(String(part)),
    children: () => [...(members?.fields.values() ?? [])],
  });
}

/** One of several forms of a value. @param {Asked} asked @returns {Field} */
function choiceField(asked) {
  const { form, required } = asked;
  const branches = asked.shape.branches ?? [];
  const select = h(
    "select",
    { id: form.newId(), required, "aria-label": `Kind of ${asked.label}` },
    h("option", { value: "" }, leftOut(asked)),
    ...branches.map((branch, index) => h("option", { value: String(index) }, branchName(branch, form.root))),
  );
  const inside = h("div", { class: "field-inside" });
  /** @type {Field | null} */
  let chosen = null;
  const show = () => {
    const branch = select.value === "" ? null : branches[Number(select.value)];
    chosen = branch && branchField(branch, form, select);
    inside.replaceChildren(...(chosen ? [chosen.element] : []));
  };
  select.addEventListener("change", show);
  return grouped(asked, {
    parts: [select, inside],
    control: select,
    read: () => chosen?.read(),
    set(value) {
      const index = value === undefined ? -1 : branches.findIndex((branch) => fits(value, branch, form.root));
      select.value = index < 0 ? "" : String(index);
      show();
      chosen?.set(value);
    },
    complaint: () => (chosen === null ? needed(required) : ""),
    child: (part) => chosen?.child(part),
    children: () => (chosen ? [chosen] : []),
  });
}

/**
 * What is filled in once a branch is chosen: the choice itself frames it.
 * @param {Schema} branch
 * @param {Asked["form"]} form
 * @param {HTMLElement} control
 * @returns {Field}
 */
function branchField(branch, form, control) {
  const label = branchName(branch, form.root);
  const shape = shapeOf(branch, form.root);
  if (shape.nullable || !["object", "null"].includes(shape.kind))
    return fieldFor(branch, { label, required: true, form });
  const members = membersOf({ label, shape, required: true, form });
  return {
    element: h("div", { class: "field-inside" }, ...members.elements),
    control,
    label,
    read: () => (shape.kind === "null" ? null : members.read()),
    set: members.set,
    complaint: () => "",
    tell: () => {},
    child: (part) => members.fields.get(String(part)),
    children: () => [...members.fields.values()],
  };
}

const NAMES = { string: "text", integer: "whole number", number: "number", boolean: "yes or no", array: "list" };

/** @param {Schema} branch @param {Schema} root @returns {string} */
function branchName(branch, root) {
  const { title, type, format, const: only } = resolve(branch, root);
  return title ?? only ?? format ?? NAMES[/** @type {keyof typeof NAMES} */ (type)] ?? type ?? "JSON";
}
