/**
 * A stream of events that is read over any number of connections, while the page is visible.
 */

import { isFinal } from "../parts/states.js";
import { request } from "../service/api.js";
import { CONNECTION_LOST, contentError, ResponseError } from "../service/errors.js";
import { frames } from "./sse.js";

/** The service sends a ping every 15 seconds: a stream that is silent for longer is dead. */
const SILENT_MS = 40_000;

/** Browsers open six connections to a service for all tabs together: a hidden tab closes its stream after this time. */
const HIDDEN_MS = 30_000;

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/** True for the last event of a job or a batch. @param {any} data */
const isLastEvent = (data) => data.done === true || isFinal(data);

/**
 * Reads a stream of events and resumes it after each loss of the connection.
 * @param {string} path
 * @param {Record<string, (data: any) => void>} handlers by the name of the event
 * @param {{
 *   onRejected?: (error: ResponseError) => void,
 *   onOpen?: () => void,
 *   onInterrupted?: (error: Error | null) => void,
 *   isLast?: (data: any) => boolean,
 * }} [options] `onRejected`: the response is permanently an error, which ends the stream; `onInterrupted`: the stream
 *   ended, with the error if there was one, and will be opened again; `isLast` recognizes the last event, by default
 *   that of a job or batch
 * @returns {() => void} ends it
 */
export function followEvents(
  path,
  handlers,
  { onRejected = () => {}, onOpen = () => {}, onInterrupted = () => {}, isLast = isLastEvent } = {},
) {
  const stop = new AbortController();
  let lastId = "";
  let ended = false;
  let pause = FIRST_PAUSE_MS;

  run();
  return () => {
    ended = true;
    stop.abort();
  };

  async function run() {
    while (!ended) {
      await pageVisible();
      const hidden = new AbortController();
      const endWatch = onHiddenFor(HIDDEN_MS, () => hidden.abort());
      /** @type {Error | null} */
      let failure = null;
      try {
        await read(hidden.signal);
      } catch (error) {
        if (ended) return;
        if (error instanceof ResponseError && error.isPermanent) return onRejected(error);
        failure = /** @type {Error} */ (error);
        // The stream was silent for too long before the response started.
        if (failure.name === "AbortError") failure = new Error(CONNECTION_LOST, { cause: error });
      } finally {
        endWatch();
      }
      if (ended) return;
      if (hidden.signal.aborted) continue;
      onInterrupted(failure);
      await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())));
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
  }

  /** @param {AbortSignal} hidden */
  async function read(hidden) {
    const silent = new AbortController();
    let timer = setTimeout(() => silent.abort(), SILENT_MS);
    const headers = { Accept: "text/event-stream", ...(lastId && { "Last-Event-ID": lastId }) };
    try {
      const response = await request(path, {
        headers,
        cache: "no-store",
        signal: AbortSignal.any([stop.signal, silent.signal, hidden]),
      });
      if (!response.headers.get("Content-Type")?.startsWith("text/event-stream")) {
        await response.body?.cancel();
        throw contentError(response, "a stream of events");
      }
      for await (const { event, data, id } of frames(/** @type {any} */ (response.body))) {
        clearTimeout(timer);
        timer = setTimeout(() => silent.abort(), SILENT_MS);
        pause = FIRST_PAUSE_MS;
        onOpen(); // the service sends an event or a ping as soon as it has subscribed the stream to changes
        if (id !== null) lastId = id;
        if (ended || !(event in handlers)) continue;
        const parsed = JSON.parse(data);
        ended = isLast(parsed);
        handlers[event](parsed);
        if (ended) return stop.abort();
      }
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Waits until the page is visible. @returns {Promise<void>} */
async function pageVisible() {
  while (document.hidden) {
    await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
  }
}

/**
 * Calls `act` each time that the page has been hidden for so long.
 * @param {number} milliseconds
 * @param {() => void} act
 * @returns {() => void} stops it
 */
function onHiddenFor(milliseconds, act) {
  /** @type {number | undefined} */
  let timer;
  const restart = () => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(act, milliseconds);
  };
  document.addEventListener("visibilitychange", restart);
  restart();
  return () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", restart);
  };
}
