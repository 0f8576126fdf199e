/**
 * The options of a submission: the same for every task, sent as a query.
 */

import { parse } from "./service/json.js";

/** As `GET /openapi.json` has them for each task; the service's own bounds of time and memory are its to judge. */
const SCHEMA = {
  type: "object",
  additionalProperties: false,
  properties: {
    priority: { type: "integer", minimum: -100, maximum: 100, default: 0, description: "Higher goes first." },
    timeout_s: { type: "number", exclusiveMinimum: 0, description: "Seconds that an attempt may run." },
    max_attempts: { type: "integer", minimum: 1, maximum: 10, description: "How often it may be begun in all; a task that raises is not begun again." },
    memory_mb: { type: "integer", minimum: 16, description: "MiB of memory." },
    label: {
      type: "array",
      maxItems: 20,
      items: { type: "string", minLength: 1, maxLength: 100 },
      default: [],
      description: "Words to find the job by.",
    },
  },
};

/**
 * The schema of the options of a task, whose own limits are the defaults.
 * @param {{limits: {timeout_s: any, memory_mb: any, max_attempts: any}}} task
 */
export function optionsSchema({ limits }) {
  const { timeout_s, max_attempts, memory_mb } = SCHEMA.properties;
  return {
    ...SCHEMA,
    properties: {
      ...SCHEMA.properties,
      timeout_s: { ...timeout_s, default: Number(limits.timeout_s) },
      max_attempts: { ...max_attempts, default: limits.max_attempts },
      memory_mb: { ...memory_mb, default: limits.memory_mb },
    },
  };
}

/**
 * Options as a query; what is undefined is left out.
 * @param {Record<string, any>} options
 * @returns {URLSearchParams}
 */
export function toQuery(options) {
  const pairs = Object.entries(options).flatMap(([name, value]) => [value].flat().map((one) => [name, String(one)]));
  return new URLSearchParams(pairs.filter(([, value]) => value !== "undefined"));
}

/**
 * Options out of a query, for the form; what is no number stays text, which the form complains of.
 * @param {URLSearchParams} query
 * @returns {Record<string, any>}
 */
export function fromQuery(query) {
  /** @type {Record<string, any>} */
  const options = {};
  for (const name of Object.keys(SCHEMA.properties)) {
    if (!query.has(name)) continue;
    options[name] = name === "label" ? query.getAll(name) : number(query.get(name) ?? "");
  }
  return options;
}

/** @param {string} text */
function number(text) {
  try {
    return parse(text);
  } catch {
    return text;
  }
}

/**
 * The options that a job was submitted with, as far as they can be known: all of its own.
 * @param {Record<string, any>} job
 */
export function optionsOf({ priority, timeout_s, max_attempts, memory_mb, labels }) {
  return { priority, timeout_s, max_attempts, memory_mb, label: labels };
}
