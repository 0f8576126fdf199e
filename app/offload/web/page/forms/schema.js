/**
 * Reduces a JSON Schema to the few shapes that a form has fields for.
 *
 * @typedef {Record<string, any>} Schema
 * @typedef {"const" | "enum" | "string" | "integer" | "number" | "boolean" | "null" | "set" | "list" | "object" | "map"
 *   | "choice" | "json"} Kind
 * @typedef {{kind: Kind, schema: Schema, nullable: boolean, branches?: Schema[]}} Shape
 *   `schema` has its top-level references resolved; `nullable` is true if null is allowed besides `kind`;
 *   `branches` are the types of a choice
 */

import { Exact, same } from "../service/json.js";

const MOST_REFERENCES = 20;

/**
 * Returns the shape of a schema: "json" if a form has no field for it.
 * @param {Schema | boolean} schema
 * @param {Schema} root the document that `$ref` points into
 * @returns {Shape}
 */
export function shapeOf(schema, root) {
  const resolved = resolve(schema, root);
  const { anyOf, oneOf, ...rest } = resolved;
  const alternatives = resolved.properties ? undefined : (anyOf ?? oneOf);
  if (!alternatives) return { kind: kindOf(resolved, root), schema: resolved, nullable: false };
  const all = alternatives.map((/** @type {Schema} */ branch) => resolve(branch, root));
  const branches = all.filter((/** @type {Schema} */ branch) => branch.type !== "null");
  const nullable = branches.length < all.length;
  if (branches.length !== 1) return { kind: "choice", schema: resolved, nullable, branches };
  const only = shapeOf({ ...branches[0], ...rest }, root);
  return { ...only, nullable: nullable || only.nullable };
}

/**
 * Resolves references and writes a list of types as alternatives. Returns `{}` for a schema that can't be resolved.
 * @param {Schema | boolean} schema
 * @param {Schema} root
 * @returns {Schema}
 */
export function resolve(schema, root) {
  let found = typeof schema === "object" && schema !== null ? schema : {};
  for (let step = 0; step < MOST_REFERENCES; step += 1) {
    const { $ref, allOf, ...rest } = found;
    if ($ref !== undefined) found = { ...target($ref, root), ...rest };
    else if (allOf?.length === 1) found = { ...allOf[0], ...rest };
    else break;
  }
  if (!Array.isArray(found.type)) return found;
  const { type, ...rest } = found;
  return { ...rest, anyOf: type.map((one) => ({ type: one })) };
}

/** @param {string} reference @param {Schema} root @returns {Schema} */
function target(reference, root) {
  const parts = reference.startsWith("#") ? reference.slice(1).split("/").slice(1) : ["?"];
  const names = parts.map((part) => decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~"));
  return names.reduce((/** @type {any} */ at, name) => at?.[name], root) ?? {};
}

/** @param {Schema} schema @param {Schema} root @returns {Kind} */
function kindOf(schema, root) {
  if (schema.allOf || schema.not || schema.$ref) return "json";
  if ("const" in schema) return "const";
  if (schema.enum) return "enum";
  switch (schema.type) {
    case "string":
    case "integer":
    case "number":
    case "boolean":
    case "null":
      return schema.type;
    case "array":
      return listKind(schema, root);
    case "object":
      return objectKind(schema);
    default:
      return "json";
  }
}

/** @param {Schema} schema @param {Schema} root @returns {Kind} */
function listKind({ items, prefixItems, uniqueItems }, root) {
  if (prefixItems || typeof items !== "object") return "json";
  return uniqueItems && shapeOf(items, root).kind === "enum" ? "set" : "list";
}

/** @param {Schema} schema @returns {Kind} */
function objectKind({ properties, additionalProperties, patternProperties }) {
  if (patternProperties) return "json";
  if (properties) return additionalProperties ? "json" : "object";
  if (additionalProperties === false) return "object";
  return typeof additionalProperties === "object" ? "map" : "json";
}

/**
 * True if a value has the shape of a schema. This is enough to choose between alternatives; it is not a validation.
 * @param {any} value
 * @param {Schema | boolean} schema
 * @param {Schema} root
 * @returns {boolean}
 */
export function fits(value, schema, root) {
  const shape = shapeOf(schema, root);
  if (value === null) return shape.nullable || ["null", "json"].includes(shape.kind);
  const numeric = typeof value === "number" || value instanceof Exact;
  const object = typeof value === "object" && !Array.isArray(value) && !numeric;
  const { schema: found } = shape;
  switch (shape.kind) {
    case "const":
      return same(value, found.const);
    case "enum":
      return found.enum.some((/** @type {any} */ one) => same(value, one));
    case "integer":
      return numeric && /^-?\d+$/.test(String(value));
    case "number":
      return numeric;
    case "string":
    case "boolean":
      return typeof value === shape.kind;
    case "null":
      return false;
    case "set":
    case "list":
      return Array.isArray(value) && value.every((one) => fits(one, found.items, root));
    case "map":
      return object && Object.values(value).every((one) => fits(one, found.additionalProperties, root));
    case "object":
      return object && fitsMembers(value, found, root);
    case "choice":
      return /** @type {Schema[]} */ (shape.branches).some((one) => fits(value, one, root));
    default:
      return true;
  }
}

/** @param {Record<string, any>} value @param {Schema} schema @param {Schema} root */
function fitsMembers(value, { properties = {}, required = [] }, root) {
  return (
    required.every((/** @type {string} */ name) => Object.hasOwn(value, name)) &&
    Object.entries(value).every(([name, one]) => Object.hasOwn(properties, name) && fits(one, properties[name], root))
  );
}
