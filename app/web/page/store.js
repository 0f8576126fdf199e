/**
 * What the page knows of the service. One stream of events for all views, each of which is told at most once a frame.
 *
 * @typedef {any} Job as `GET /jobs/{id}` answers it
 * @typedef {any} Stats as `GET /stats` answers it
 * @typedef {{changed: (jobs: Job[]) => void, deleted: (ids: string[]) => void, reset: () => void}} Listener
 */

import { ApiProblem, follow, readJson } from "./api.js";

/** Notes on a job when it was told, for what runs goes on since. @param {Job} job @returns {Job} */
export const noted = (job) => Object.assign(job, { notedAt: performance.now() });

/**
 * A job that was told after a list of jobs had been asked for is newer than what the list says of it.
 * @param {Job | undefined} known
 * @param {number} asked when, on the clock of `performance.now`
 */
export const isNewer = (known, asked) => known !== undefined && known.notedAt > asked;

/** @type {() => void} */
let opened = () => {};

/** Changes are told from then on: what is loaded afterwards misses none. @type {Promise<void>} */
export const streaming = new Promise((resolve) => (opened = () => resolve(undefined)));

/** While nobody looks, frames don't come. */
const HIDDEN_MS = 1000;

/** A connection that is back so soon has not been missed. */
const BLIP_MS = 1000;

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

/** @type {Set<(lost: Date | null) => void>} */
const watchers = new Set();
/** @type {Date | null} */
let lost = null;
/** @type {number | undefined} */
let blip;
/** When the last answer came, on the clock of `performance.now`. */
let lostAt = 0;

/**
 * Tells whether the service can be reached: null, or since when it can't.
 * @param {(lost: Date | null) => void} listener
 * @returns {() => void} ends that
 */
export function onConnection(listener) {
  watchers.add(listener);
  listener(lost);
  return () => watchers.delete(listener);
}

/** Milliseconds that go on only while the page knows what it shows: they stand still when the connection is lost. */
export const knownNow = () => (lostAt > 0 ? lostAt : performance.now());

/** @param {boolean} isOpen */
function connected(isOpen) {
  if (isOpen) {
    opened();
    if (lostAt === 0) return;
    clearTimeout(blip);
    blip = undefined;
    lostAt = 0;
    if (lost) tellConnection(null);
  } else if (lostAt === 0) {
    lostAt = performance.now();
    const since = new Date();
    blip = setTimeout(() => tellConnection(since), BLIP_MS);
  }
}

/** @param {Date | null} since */
function tellConnection(since) {
  lost = since;
  for (const watcher of [...watchers]) watcher(lost);
}

/**
 * Calls `act` each second while somebody looks and time goes on.
 * @param {() => void} act
 * @returns {() => void} ends that
 */
export function everySecond(act) {
  const timer = setInterval(() => document.hidden || lostAt > 0 || act(), 1000);
  return () => clearInterval(timer);
}

const STATS_MS = 1000;
const IDLE_STATS_MS = 5000;
const HIDDEN_STATS_MS = 30_000;

/**
 * Calls `tell` with the service's statistics each second, and less often where nothing happens or nobody looks.
 * @param {(stats: Stats) => void} tell
 * @param {(problem: Error) => void} [failed]
 * @returns {() => void} ends that
 */
export function watchStats(tell, failed = () => {}) {
  let ended = false;
  let idle = false;
  /** @type {number | undefined} */
  let timer;
  const wake = () => {
    if (!idle || document.hidden) return;
    idle = false;
    schedule(0);
  };
  const visible = () => schedule(document.hidden ? HIDDEN_STATS_MS : 0);
  const end = onJobs(wake, { deleted: wake });
  const stopWatching = onConnection((since) => since === null && schedule(0));
  document.addEventListener("visibilitychange", visible);
  return () => {
    ended = true;
    clearTimeout(timer);
    end();
    stopWatching();
    document.removeEventListener("visibilitychange", visible);
  };

  /** @param {number} after */
  function schedule(after) {
    clearTimeout(timer);
    if (!ended) timer = setTimeout(load, after);
  }

  async function load() {
    if (lost) return; // it begins again with the connection
    try {
      const stats = await readJson("/stats");
      if (ended) return;
      idle = stats.queue.size === 0 && stats.lanes.every((/** @type {any} */ lane) => lane.state === "idle");
      tell(stats);
    } catch (error) {
      if (!ended) failed(/** @type {Error} */ (error));
    }
    schedule(document.hidden ? HIDDEN_STATS_MS : idle ? IDLE_STATS_MS : STATS_MS);
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
