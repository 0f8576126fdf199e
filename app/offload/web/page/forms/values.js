/**
 * The conversion of a field's text to a value, its validation, and hints on valid values.
 */

import { Exact, write } from "../service/json.js";

/** @typedef {import("./schema.js").Shape} Shape */

const INTEGER = /^-?(0|[1-9]\d*)$/;
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/** @param {boolean} required */
export const requiredError = (required) => (required ? "This field is required." : "");

/** Returns the value to send. @param {string} text @param {Shape} shape */
export const valueOf = (text, shape) => (shape.kind === "string" ? text : new Exact(text));

/**
 * Returns what is wrong with a text; empty if nothing is. The service validates what the page can't.
 * @param {string} text not empty
 * @param {Shape} shape
 * @returns {string}
 */
export function errorOf(text, shape) {
  if (shape.kind === "string") return ofString(text, shape);
  if (shape.kind === "integer") return INTEGER.test(text) ? ofNumber(text, shape) : "Enter a whole number, such as 42.";
  return NUMBER.test(text) ? ofNumber(text, shape) : "Enter a number, such as 1.5.";
}

/** @param {string} text @param {Shape} shape */
function ofString(text, { schema }) {
  const length = [...text].length; // JSON Schema counts code points
  if (length < schema.minLength) return `Enter at least ${characters(schema.minLength)}.`;
  if (length > schema.maxLength) return `Enter at most ${characters(schema.maxLength)}, not ${length}.`;
  if (schema.pattern !== undefined && compiled(schema.pattern)?.test(text) === false) {
    return `The value must match ${schema.pattern}`;
  }
  return "";
}

/** @param {number} count */
const characters = (count) => (count === 1 ? "1 character" : `${count} characters`);

/** @param {string} pattern @returns {RegExp | null} null for syntax that only Python has */
function compiled(pattern) {
  try {
    return new RegExp(pattern, "u");
  } catch {
    return null;
  }
}

/** @type {[string, string, (order: number) => boolean][]} */
const BOUNDS = [
  ["minimum", "at least", (order) => order >= 0],
  ["exclusiveMinimum", "more than", (order) => order > 0],
  ["maximum", "at most", (order) => order <= 0],
  ["exclusiveMaximum", "less than", (order) => order < 0],
];

/** @param {string} text @param {Shape} shape */
function ofNumber(text, { schema }) {
  for (const [name, words, holds] of BOUNDS) {
    const bound = schema[name];
    if (bound !== undefined && !holds(compare(text, String(bound)))) return `The value must be ${words} ${bound}.`;
  }
  return "";
}

/**
 * Returns a negative number, zero or a positive one as the first number is smaller, equal or larger. Integers of any
 * size are exact.
 */
function compare(/** @type {string} */ one, /** @type {string} */ other) {
  if (!INTEGER.test(one) || !INTEGER.test(other)) return Number(one) - Number(other);
  const difference = BigInt(one) - BigInt(other);
  return difference === 0n ? 0 : difference < 0n ? -1 : 1;
}

/**
 * Returns hints on valid values as short sentences, without the description.
 * @param {Shape} shape
 * @param {boolean} required
 * @returns {string}
 */
export function hintOf({ kind, schema }, required) {
  const sentences = [...boundsOf(schema)];
  if (kind === "json") sentences.push("JSON");
  if (schema.format === "date-time") sentences.push("A time, such as 2026-11-22T09:00:00Z");
  if (schema.multipleOf !== undefined) sentences.push(`A multiple of ${schema.multipleOf}`);
  const given = schema.default ?? null;
  const shown = ["const", "enum", "boolean", "list", "set", "map", "choice"].includes(kind);
  if (given !== null && !required && !shown) sentences.push(`Default: ${short(given)}`);
  const example = schema.examples?.[0];
  if (example !== undefined && kind !== "object") sentences.push(`For example ${short(example)}`);
  return sentences.map((sentence) => `${sentence}.`).join(" ");
}

const LONGEST_SHOWN = 60;

/** @param {any} value */
function short(value) {
  const text = typeof value === "string" && value !== "" ? value : write(value);
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}

/** @param {Record<string, any>} schema @returns {string[]} */
function boundsOf(schema) {
  const isRange = schema.minimum !== undefined && schema.maximum !== undefined;
  const bounds = isRange
    ? [`${schema.minimum} to ${schema.maximum}`]
    : BOUNDS.filter(([name]) => schema[name] !== undefined).map(([name, words]) => `${words} ${schema[name]}`);
  const lengths = between(schema.minLength, schema.maxLength, "characters");
  const items = between(schema.minItems, schema.maxItems, "items");
  return [bounds.join(", "), lengths, items].filter(Boolean).map((words) => words[0].toUpperCase() + words.slice(1));
}

/** @param {number | undefined} least @param {number | undefined} most @param {string} what */
function between(least, most, what) {
  if (most !== undefined && most === least) return `exactly ${most} ${what}`;
  if (most !== undefined) return least ? `${least} to ${most} ${what}` : `at most ${most} ${what}`;
  return least !== undefined && least > 1 ? `at least ${least} ${what}` : "";
}
