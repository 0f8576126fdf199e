/**
 * Requests to the service. A request that needs a key waits until the user has entered one. Paths are those of the API,
 * without the prefix below which the service may be mounted.
 */

import { CONNECTION_LOST, contentError, responseError, UNREACHABLE } from "./errors.js";
import { parse } from "./json.js";
import { authorization, newKey } from "./key.js";
import { PREFIX } from "./prefix.js";

/**
 * @param {string} path
 * @param {RequestInit} [init]
 * @returns {Promise<Response>} a response with a status below 400
 * @throws {import("./errors.js").ResponseError} for any other response
 * @throws {Error} if there is no response
 */
export async function request(path, init = {}) {
  for (;;) {
    const sent = authorization();
    const response = await fetchResponse(path, { ...init, headers: { ...sent, .../** @type {any} */ (init.headers) } });
    if (response.ok) return response;
    if (response.status !== 401) throw responseError(response, await response.text().catch(() => ""));
    await newKey(sent);
  }
}

/** @param {string} path @param {RequestInit} init */
async function fetchResponse(path, init) {
  try {
    return await fetch(PREFIX + path, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Error(UNREACHABLE, { cause: error });
  }
}

/** @param {string} path @param {RequestInit} [init] */
export const readText = async (path, init) => whole((await request(path, init)).text());

/** @param {string} path */
export const readBlob = async (path) => whole((await request(path)).blob());

/** @param {string} path @returns {Promise<any>} */
export const readJson = async (path) => jsonOf(await request(path), JSON.parse);

/** Reads JSON without rounding its numbers: see `json.js`. @param {string} path @returns {Promise<any>} */
export const readExactJson = async (path) => jsonOf(await request(path), parse);

/**
 * @param {string} method
 * @param {string} path
 * @param {string} [json] the body
 * @param {Record<string, string>} [headers]
 * @returns {Promise<any>} the response's JSON; null for 204
 */
export async function send(method, path, json, headers = {}) {
  /** @type {Record<string, string>} */
  const type = json === undefined ? {} : { "Content-Type": "application/json" };
  const response = await request(path, { method, body: json, headers: { ...type, ...headers } });
  return response.status === 204 ? null : jsonOf(response, JSON.parse);
}

/**
 * Posts a form and reports how much of it has been sent, which `fetch` can't do.
 * @param {string} path
 * @param {FormData} form
 * @param {(bytes: number) => void} onProgress
 * @param {AbortSignal} signal
 * @returns {Promise<any>} the response's JSON
 * @throws {import("./errors.js").ResponseError} for a response with status 400 or above, or without JSON
 * @throws {Error} if the connection is lost; a `DOMException` "AbortError" after `signal`
 */
export function postForm(path, form, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const upload = new XMLHttpRequest();
    upload.open("POST", PREFIX + path);
    for (const [name, value] of Object.entries(authorization())) upload.setRequestHeader(name, value);
    upload.upload.onprogress = ({ loaded }) => onProgress(loaded);
    upload.onload = () => {
      try {
        if (upload.status >= 400) reject(responseError(upload, upload.responseText));
        else resolve(parsed(upload, upload.responseText, JSON.parse));
      } catch (error) {
        reject(error);
      }
    };
    upload.onerror = () => reject(new Error(CONNECTION_LOST));
    upload.onabort = () => reject(new DOMException("Stopped.", "AbortError"));
    signal.addEventListener("abort", () => upload.abort());
    upload.send(form);
  });
}

/**
 * Waits for a response's body.
 * @template Body
 * @param {Promise<Body>} body
 * @returns {Promise<Body>}
 * @throws {Error} if the connection ends before the body does
 */
async function whole(body) {
  try {
    return await body;
  } catch (error) {
    throw new Error(CONNECTION_LOST, { cause: error });
  }
}

/** @param {Response} response @param {(text: string) => any} parser @returns {Promise<any>} */
const jsonOf = async (response, parser) => parsed(response, await whole(response.text()), parser);

/**
 * @param {{status: number, statusText: string}} response
 * @param {string} text
 * @param {(text: string) => any} parser
 * @returns {any}
 */
function parsed(response, text, parser) {
  try {
    return parser(text);
  } catch (error) {
    throw contentError(response, `JSON that the page can read: ${/** @type {Error} */ (error).message}`);
  }
}
