/**
 * A stream of events, followed for as long as somebody looks, over any number of connections.
 */

import { ApiProblem, ask } from "../service/api.js";
import { seen, whenUnseen } from "./attention.js";
import { frames } from "./sse.js";
import { isOver } from "../parts/states.js";

/** A stream that is silent for so long is not there any more: the service sends a ping each 15 seconds. */
const SILENT_MS = 40_000;

/** Browsers open six connections to a service for all of its tabs: who is not looked at for so long lets go of its own. */
const UNSEEN_MS = 30_000;

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/** True for the last thing that is told of a job or a batch. @param {any} data */
const isLast = (data) => data.done === true || isOver(data);

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
