/**
 * What the page knows of the service. One stream of events for all views, each of which is told at most once a frame.
 *
 * @typedef {any} Job as `GET /jobs/{id}` answers it
 * @typedef {{changed: (jobs: Job[]) => void, deleted: (ids: string[]) => void, reset: () => void}} Listener
 */

import { ApiProblem, readJson } from "../service/api.js";
import { connected, onConnection, streaming } from "./connection.js";
import { follow } from "./event_stream.js";

/** Notes on a job when it was told, for what runs goes on since. @param {Job} job @returns {Job} */
export const noted = (job) => Object.assign(job, { notedAt: performance.now() });

/**
 * A job that was told after a list of jobs had been asked for is newer than what the list says of it.
 * @param {Job | undefined} known
 * @param {number} asked when, on the clock of `performance.now`
 */
export const isNewer = (known, asked) => known !== undefined && known.notedAt > asked;

/** While nobody looks, frames don't come. */
const HIDDEN_MS = 1000;

/** @type {Set<Listener>} */
const listeners = new Set();
/** @type {Map<string, Job>} */
let changed = new Map();
/** @type {Set<string>} */
let deleted = new Set();
let telling = false;

/**
 * Calls `changed` with the jobs that have changed, each as it is then. Begins with what changes from now on: load what
 * there is afterwards.
 * @param {Listener["changed"]} changed
 * @param {Partial<Listener>} [also] `deleted` is told the ids of jobs that are no more; `reset` that what was missed
 *   can't be told, so that what is shown has to be loaded again
 * @returns {() => void} ends that
 */
export function onJobs(changed, { deleted = () => {}, reset = () => {} } = {}) {
  const listener = { changed, deleted, reset };
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * Calls `tell` with a job as it is now and at each change; `gone` where there is no such job, or none any more.
 * @param {string} id
 * @param {(job: Job) => void} tell
 * @param {(why: Error) => void} [gone]
 * @returns {() => void} ends that
 */
export function watchJob(id, tell, gone = () => {}) {
  let told = 0;
  let ended = false;
  /** It has not been loaded since that was asked for. */
  let missing = true;
  const end = onJobs(
    (jobs) => {
      const job = jobs.find((one) => one.id === id);
      if (job) {
        told += 1;
        tell(job);
      }
    },
    { deleted: (ids) => ids.includes(id) && gone(new Error("This job has been deleted.")), reset: load },
  );
  const endConnection = onConnection((lost) => lost === null && missing && load());
  return () => {
    ended = true;
    end();
    endConnection();
  };

  async function load() {
    missing = true;
    await streaming;
    const before = told;
    try {
      const job = await readJson(`/jobs/${encodeURIComponent(id)}`);
      missing = false;
      if (!ended && told === before) tell(noted(job)); // or an event was faster
    } catch (error) {
      if (!ended && error instanceof ApiProblem) gone(error);
    }
  }
}

/** Lets listeners know in the next frame. */
function tellSoon() {
  if (telling) return;
  telling = true;
  if (document.hidden) setTimeout(tellNow, HIDDEN_MS);
  else requestAnimationFrame(tellNow);
}

function tellNow() {
  if (!telling) return;
  telling = false;
  const [jobs, ids] = [[...changed.values()], [...deleted]];
  changed = new Map();
  deleted = new Set();
  for (const listener of [...listeners]) {
    if (jobs.length > 0) listener.changed(jobs);
    if (ids.length > 0) listener.deleted(ids);
  }
}

/** Opens the stream of events, for as long as the page is there. @param {(problem: Error) => void} refused */
export function startStore(refused) {
  document.addEventListener("visibilitychange", () => document.hidden || tellNow());
  follow(
    "/events",
    {
      job: (job) => {
        changed.set(job.id, noted(job));
        deleted.delete(job.id);
        tellSoon();
      },
      deleted: ({ id }) => {
        changed.delete(id);
        deleted.add(id);
        tellSoon();
      },
      reset: () => {
        for (const listener of [...listeners]) listener.reset();
      },
    },
    { failed: refused, open: connected, over: () => false },
  );
}
