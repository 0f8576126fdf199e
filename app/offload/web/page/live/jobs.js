/**
 * Changes of jobs, for all views: one stream of events, whose changes are passed on at most once a frame.
 *
 * @typedef {any} Job as `GET /jobs/{id}` returns it, with `receivedAt` on the clock of `performance.now`
 * @typedef {{changed: (jobs: Job[]) => void, deleted: (ids: string[]) => void, reset: () => void}} Listener
 */

import { readJson } from "../service/api.js";
import { ResponseError } from "../service/errors.js";
import { connectionFailed, connectionOpened, onConnection, streamOpened } from "./connection.js";
import { followEvents } from "./event_stream.js";

/**
 * Notes when a job was received: the run time of a running job is counted from then.
 * @param {Job} job
 * @returns {Job}
 */
export const receivedNow = (job) => Object.assign(job, { receivedAt: performance.now() });

/**
 * True if a job was received after a list was requested: the list may contain an older version of it.
 * @param {Job | undefined} job
 * @param {number} requestedAt on the clock of `performance.now`
 */
export const isNewer = (job, requestedAt) => job !== undefined && job.receivedAt > requestedAt;

/** A hidden page has no animation frames. */
const HIDDEN_MS = 1000;

/** @type {Set<Listener>} */
const listeners = new Set();
/** @type {Map<string, Job>} */
let changedJobs = new Map();
/** @type {Set<string>} */
let deletedIds = new Set();
let scheduled = false;

/**
 * Calls `changed` with the jobs that changed, each in its newest version. Load the present state after this call: then
 * no change is missed.
 * @param {Listener["changed"]} changed
 * @param {Partial<Listener>} [also] `deleted` is called with the ids of deleted jobs; `reset` when changes were missed
 *   that the service can't send again, so that the state has to be loaded again
 * @returns {() => void} stops it
 */
export function onJobChanges(changed, { deleted = () => {}, reset = () => {} } = {}) {
  const listener = { changed, deleted, reset };
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * Calls `onJob` with the job as it is now and at each change.
 * @param {string} id
 * @param {(job: Job) => void} onJob
 * @param {{gone?: (error: Error) => void, failed?: (error: Error) => void}} [also] `gone`: the job does not exist, or
 *   no longer; `failed`: it could not be loaded, which is tried again when the connection is back
 * @returns {() => void} stops it
 */
export function watchJob(id, onJob, { gone = () => {}, failed = () => {} } = {}) {
  let changes = 0;
  let ended = false;
  /** True until the job has been loaded. */
  let missing = true;
  const endChanges = onJobChanges(
    (jobs) => {
      const job = jobs.find((one) => one.id === id);
      if (job) {
        changes += 1;
        onJob(job);
      }
    },
    { deleted: (ids) => ids.includes(id) && gone(new Error("This job has been deleted.")), reset: load },
  );
  const endConnection = onConnection((loss) => loss === null && missing && load());
  return () => {
    ended = true;
    endChanges();
    endConnection();
  };

  async function load() {
    missing = true;
    await streamOpened;
    const before = changes;
    try {
      const job = await readJson(`/jobs/${encodeURIComponent(id)}`);
      missing = false;
      if (!ended && changes === before) onJob(receivedNow(job)); // otherwise an event is newer
    } catch (error) {
      if (ended) return;
      if (error instanceof ResponseError && error.isPermanent) gone(error);
      else if (changes === before) failed(/** @type {Error} */ (error));
    }
  }
}

/** Notifies listeners in the next frame. */
function schedule() {
  if (scheduled) return;
  scheduled = true;
  if (document.hidden) setTimeout(notify, HIDDEN_MS);
  else requestAnimationFrame(notify);
}

function notify() {
  if (!scheduled) return;
  scheduled = false;
  const [jobs, ids] = [[...changedJobs.values()], [...deletedIds]];
  changedJobs = new Map();
  deletedIds = new Set();
  for (const listener of [...listeners]) {
    if (jobs.length > 0) listener.changed(jobs);
    if (ids.length > 0) listener.deleted(ids);
  }
}

/** Opens the stream of events for the life of the page. @param {(error: Error) => void} onRejected */
export function startJobEvents(onRejected) {
  document.addEventListener("visibilitychange", () => document.hidden || notify());
  followEvents(
    "/events",
    {
      job: (job) => {
        changedJobs.set(job.id, receivedNow(job));
        deletedIds.delete(job.id);
        schedule();
      },
      deleted: ({ id }) => {
        changedJobs.delete(id);
        deletedIds.add(id);
        schedule();
      },
      reset: () => {
        for (const listener of [...listeners]) listener.reset();
      },
    },
    {
      onRejected,
      onOpen: connectionOpened,
      onInterrupted: (error) => connectionFailed(error instanceof ResponseError ? error.message : ""),
      isLast: () => false,
    },
  );
}
