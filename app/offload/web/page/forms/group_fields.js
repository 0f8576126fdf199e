/**
 * The fields of a form that contain other fields: objects, optional objects and choices between types.
 *
 * @typedef {import("./field.js").FieldSpec} FieldSpec
 * @typedef {import("./field.js").Field} Field
 * @typedef {import("./schema.js").Schema} Schema
 */

import { h } from "../parts/dom.js";
import { fieldGroup } from "./field.js";
import { listField, mapField, setField } from "./list_fields.js";
import { fits, resolve, shapeOf } from "./schema.js";
import { checkField, constField, emptyChoice, enumField, jsonField, textField } from "./value_fields.js";
import { requiredError } from "./values.js";

/**
 * Makes the field for a part of a schema.
 * @param {Schema | boolean} schema
 * @param {{label: string, required: boolean, form: FieldSpec["form"]}} place
 * @returns {Field}
 */
export function fieldFor(schema, place) {
  const shape = shapeOf(schema, place.form.root);
  const spec = { ...place, shape };
  const given = shape.schema.default ?? null;
  // A value that is left out is null already. Otherwise null is one more choice.
  if (shape.nullable && (place.required || given !== null)) return choiceField(withNull(spec));
  switch (shape.kind) {
    case "string":
    case "integer":
    case "number":
      return textField(spec);
    case "boolean":
      return typeof shape.schema.default === "boolean" ? checkField(spec) : enumField(spec);
    case "enum":
      return enumField(spec);
    case "const":
    case "null":
      return constField(spec);
    case "set":
      return setField(spec);
    case "list":
      return listField(spec);
    case "map":
      return mapField(spec);
    case "choice":
      return choiceField(spec);
    case "object":
      return place.required ? objectField(spec) : optionalField(spec);
    default:
      return jsonField(spec);
  }
}

/** @param {FieldSpec} spec @returns {FieldSpec} */
function withNull(spec) {
  const { schema, branches } = spec.shape;
  const { default: given, description, ...bare } = schema;
  const all = [...(branches ?? [bare]), { type: "null", title: "none (null)" }];
  return {
    ...spec,
    shape: { kind: "choice", nullable: false, schema: { description, default: given }, branches: all },
  };
}

/** Makes the fields of an object's members, without a frame. @param {FieldSpec} spec */
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

/** @param {FieldSpec} spec @returns {Field} */
function objectField(spec) {
  const members = membersOf(spec);
  return fieldGroup(spec, {
    parts: members.elements,
    read: members.read,
    set: members.set,
    validate: () => "",
    child: (part) => members.fields.get(String(part)),
    children: () => [...members.fields.values()],
  });
}

/** An object that is sent if its checkbox is checked. @param {FieldSpec} spec @returns {Field} */
function optionalField(spec) {
  const box = h("input", { type: "checkbox", id: spec.form.newId() });
  const label = h("label", { for: box.id }, "Include");
  const inside = h("div", { class: "field-inside" });
  /** @type {ReturnType<typeof membersOf> | null} */
  let members = null;
  const show = () => {
    members = box.checked ? membersOf(spec) : null; // not made before: a schema may contain itself
    inside.replaceChildren(...(members?.elements ?? []));
  };
  box.addEventListener("change", show);
  return fieldGroup(spec, {
    parts: [h("div", { class: "field-give" }, box, label), inside],
    control: box,
    read: () => members?.read(),
    set(value) {
      box.checked = value !== undefined && value !== null;
      show();
      members?.set(value);
    },
    validate: () => "",
    child: (part) => members?.fields.get(String(part)),
    children: () => [...(members?.fields.values() ?? [])],
  });
}

/** A value of one of several types. @param {FieldSpec} spec @returns {Field} */
function choiceField(spec) {
  const { form, required } = spec;
  const branches = spec.shape.branches ?? [];
  const select = h(
    "select",
    { id: form.newId(), required, "aria-label": `Kind of ${spec.label}` },
    h("option", { value: "" }, emptyChoice(spec)),
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
  return fieldGroup(spec, {
    parts: [select, inside],
    control: select,
    read: () => chosen?.read(),
    set(value) {
      const index = value === undefined ? -1 : branches.findIndex((branch) => fits(value, branch, form.root));
      select.value = index < 0 ? "" : String(index);
      show();
      chosen?.set(value);
    },
    validate: () => (chosen === null ? requiredError(required) : ""),
    child: (part) => chosen?.child(part),
    children: () => (chosen ? [chosen] : []),
  });
}

/**
 * Makes the field of a chosen type. The choice is its frame.
 * @param {Schema} branch
 * @param {FieldSpec["form"]} form
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
    validate: () => "",
    showError: () => {},
    child: (part) => members.fields.get(String(part)),
    children: () => [...members.fields.values()],
  };
}

const NAMES = { string: "text", integer: "whole number", number: "number", boolean: "true or false", array: "list" };

/** @param {Schema} branch @param {Schema} root @returns {string} */
function branchName(branch, root) {
  const { title, type, format, const: only } = resolve(branch, root);
  return title ?? only ?? format ?? NAMES[/** @type {keyof typeof NAMES} */ (type)] ?? type ?? "JSON";
}
