/**
 * Calls of the service. A call that needs a key waits until there is one.
 */

import { authorization, keyFor } from "./key.js";

export { authorization, hasKey } from "./key.js";

/** What the service answers instead: a problem, by RFC 9457. */
export class ApiProblem extends Error {
  /** @param {{status: number, title: string, type?: string, detail?: string, errors?: {loc: any[], msg: string}[]}} problem */
  constructor({ status, title, type = "about:blank", detail = "", errors = [] }) {
    super(detail || title);
    this.status = status;
    this.title = title;
    this.type = type;
    this.detail = detail || title;
    this.errors = errors;
  }

  /** The problem in an answer; one of its own where a proxy answered something else. @param {number} status @param {string} text */
  static of(status, text) {
    try {
      return new ApiProblem(JSON.parse(text));
    } catch {
      return new ApiProblem({ status, title: `The service answered with status ${status}.` });
    }
  }
}

/**
 * @param {string} path
 * @param {RequestInit} [init]
 * @returns {Promise<Response>} an answer below 400
 * @throws {ApiProblem} for any other
 * @throws {Error} where the service can't be reached
 */
export async function ask(path, init = {}) {
  for (;;) {
    const sent = authorization();
    const response = await reach(path, { ...init, headers: { ...sent, .../** @type {any} */ (init.headers) } });
    if (response.ok) return response;
    if (response.status !== 401) throw ApiProblem.of(response.status, await response.text());
    await keyFor(sent);
  }
}

/** @param {string} path @param {RequestInit} init */
async function reach(path, init) {
  try {
    return await fetch(path, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Error("The service can't be reached.", { cause: error });
  }
}

/** @param {string} path */
export const readText = async (path) => (await ask(path)).text();

/** @param {string} path @returns {Promise<any>} */
export const readJson = async (path) => (await ask(path)).json();

/** @param {string} path */
export const readBlob = async (path) => (await ask(path)).blob();

/**
 * @param {string} method
 * @param {string} path
 * @param {string} [json] the body
 * @param {Record<string, string>} [headers]
 * @returns {Promise<any>} what is answered; null where that is nothing
 */
export async function send(method, path, json, headers = {}) {
  /** @type {Record<string, string>} */
  const type = json === undefined ? {} : { "Content-Type": "application/json" };
  const response = await ask(path, { method, body: json, headers: { ...type, ...headers } });
  return response.status === 204 ? null : response.json();
}
