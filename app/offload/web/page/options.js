/**
 * The options of a submission: the same for every task, sent as a query. The OpenAPI document describes them.
 *
 * @typedef {{properties: Record<string, any>}} OptionsSchema
 */

import { readJson } from "./service/api.js";
import { parse } from "./service/json.js";

/** @type {Promise<any> | undefined} */
let loading;

/** The OpenAPI document, loaded once. @returns {Promise<any>} */
function openApi() {
  loading ??= readJson("/openapi.json").catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

/**
 * The schema of the options of a task. A limit of the task is the default of the option of that name.
 * @param {string} task its name
 * @param {Record<string, any>} [limits] its limits
 * @returns {Promise<OptionsSchema & Record<string, any>>} without properties for a task that the service does not have
 */
export async function optionsSchema(task, limits = {}) {
  /** @type {{name: string, in: string, schema: any}[]} */
  const parameters = (await openApi()).paths[`/jobs/${task}`]?.post.parameters ?? [];
  const properties = parameters
    .filter((parameter) => parameter.in === "query")
    .map(({ name, schema: { title, ...schema } }) => [
      name,
      name in limits ? { ...schema, default: Number(limits[name]) } : schema,
    ]);
  return { type: "object", additionalProperties: false, properties: Object.fromEntries(properties) };
}

/**
 * Options as a query; what is undefined or null is left out.
 * @param {Record<string, any>} options
 * @returns {URLSearchParams}
 */
export function toQuery(options) {
  const pairs = Object.entries(options).flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
  return new URLSearchParams(pairs.filter(([, value]) => value != null).map(([name, value]) => [name, String(value)]));
}

/**
 * Options out of a query, for the form; what is no number stays text, which the form complains of.
 * @param {URLSearchParams} query
 * @param {OptionsSchema} schema
 * @returns {Record<string, any>}
 */
export function fromQuery(query, { properties }) {
  const names = Object.keys(properties).filter((name) => query.has(name));
  return Object.fromEntries(names.map((name) => [name, read(query.getAll(name), properties[name].type)]));
}

/** @param {string[]} texts @param {string} type of the option */
function read(texts, type) {
  if (type === "array") return texts;
  return type === "string" ? texts[0] : number(texts[0]);
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
 * The options that a job was submitted with, as far as the job shows them. A repeatable option, such as `label`, has its
 * plural as its name there.
 * @param {Record<string, any>} job
 * @param {OptionsSchema} schema
 * @returns {Record<string, any>}
 */
export function optionsOf(job, { properties }) {
  const names = Object.keys(properties);
  return Object.fromEntries(names.map((name) => [name, job[properties[name].type === "array" ? `${name}s` : name]]));
}
