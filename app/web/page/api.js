/**
 * Calls of the service. A call that needs a key waits until there is one.
 */

import { seen, whenUnseen } from "./attention.js";
import { authorization, keyFor } from "./key.js";
import { frames } from "./sse.js";

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
async function ask(path, init = {}) {
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

/** A stream that is silent for so long is not there any more: the service sends a ping each 15 seconds. */
const SILENT_MS = 40_000;

/** Browsers open six connections to a service for all of its tabs: who is not looked at for so long lets go of its own. */
const UNSEEN_MS = 30_000;

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/** True for the last thing that is told of a job or a batch. @param {any} data */
const isLast = (data) => data.done === true || ["succeeded", "failed", "cancelled"].includes(data.state);

/**
 * Follows a stream of events, and goes on where it was whenever the connection is lost.
 * @param {string} path
 * @param {Record<string, (data: any) => void>} on what to do with the data of each kind of event
 * @param {{
 *   failed?: (problem: ApiProblem) => void,
 *   open?: (isOpen: boolean) => void,
 *   over?: (data: any) => boolean,
 * }} [also] `failed` is told why the service refuses the stream, which ends it; `open` whether it is connected; `over`
 *   knows the last event, by default that of a job or batch
 * @returns {() => void} ends it
 */
export function follow(path, on, { failed = () => {}, open = () => {}, over = isLast } = {}) {
  const stop = new AbortController();
  let last = "";
  let ended = false;
  let pause = FIRST_PAUSE_MS;

  run();
  return () => {
    ended = true;
    stop.abort();
  };

  async function run() {
    while (!ended) {
      await seen();
      const unseen = new AbortController();
      const end = whenUnseen(UNSEEN_MS, () => unseen.abort());
      try {
        await read(unseen.signal);
      } catch (error) {
        if (ended) return;
        if (error instanceof ApiProblem && error.status < 500) return failed(error);
      } finally {
        end();
      }
      if (ended) return;
      if (unseen.signal.aborted) continue;
      open(false);
      await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())));
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
  }

  /** @param {AbortSignal} unseen */
  async function read(unseen) {
    const silent = new AbortController();
    let timer = setTimeout(() => silent.abort(), SILENT_MS);
    const headers = { Accept: "text/event-stream", ...(last && { "Last-Event-ID": last }) };
    try {
      const response = await ask(path, {
        headers,
        cache: "no-store",
        signal: AbortSignal.any([stop.signal, silent.signal, unseen]),
      });
      for await (const { event, data, id } of frames(/** @type {any} */ (response.body))) {
        clearTimeout(timer);
        timer = setTimeout(() => silent.abort(), SILENT_MS);
        pause = FIRST_PAUSE_MS;
        open(true); // the service sends something at once: from now on it tells
        if (id !== null) last = id;
        if (ended || !(event in on)) continue;
        const told = JSON.parse(data);
        ended = over(told);
        on[event](told);
        if (ended) return stop.abort();
      }
    } finally {
      clearTimeout(timer);
    }
  }
}
