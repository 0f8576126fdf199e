/**
 * A list of jobs, newest first, that is loaded page by page as the user scrolls and updated by events.
 *
 * @typedef {import("../live/jobs.js").Job} Job
 * @typedef {import("./filters.js").Filter} Filter
 */

import { onConnection, streamOpened } from "../live/connection.js";
import { isNewer, onJobChanges, receivedNow } from "../live/jobs.js";
import { paramsSummary } from "../parts/job_summary.js";
import { queryOf } from "../route.js";
import { readJson } from "../service/api.js";
import { matches, paramsOf } from "./filters.js";

const PAGE_SIZE = 200;

/**
 * Returns what a row needs of a job. The whole job may have parameters and a result of many kilobytes.
 * @param {Job} job
 * @returns {Job}
 */
function summaryOf({ id, task, state, params, labels, owner, batch_id, created_at, progress, usage, receivedAt }) {
  return {
    id,
    task,
    state,
    about: paramsSummary(params),
    labels,
    owner,
    batch_id,
    created_at,
    progress,
    usage,
    receivedAt,
  };
}

/** A list that events have made longer is loaded again from its start. */
const LONGEST = 50_000;

/**
 * @param {Filter} filter
 * @param {() => void} onChange is called whenever the list has changed
 */
export function jobList(filter, onChange) {
  const list = {
    /** @type {Job[]} */
    jobs: [],
    /** @type {Job[]} newer jobs that are not shown yet, because the user has scrolled down */
    held: [],
    /** While it is true, newer jobs go to `held`. */
    holding: false,
    loading: false,
    /** True if every matching job is loaded. */
    complete: false,
    error: "",
    loadMore,
    release,
    end,
  };
  /** @type {Map<string, Job>} the jobs in `jobs` and `held` */
  const known = new Map();
  /** @type {Map<string, Job>} jobs that changed while a page was loading, which may contain older versions of them */
  const changedWhileLoading = new Map();
  /** @type {string | null} */
  let next = null;
  let latestRequest = 0;
  let ended = false;
  const endings = [
    onJobChanges(update, { deleted: remove, reset: reload }),
    onConnection((loss) => loss === null && list.error !== "" && reload()),
  ];
  reload();
  return list;

  function end() {
    ended = true;
    for (const endListener of endings) endListener();
  }

  function reload() {
    next = null;
    list.complete = false;
    fetchPage(true);
  }

  /** Loads the next page, unless there is none or a page is loading. */
  function loadMore() {
    if (!list.loading && !list.complete && list.error === "") fetchPage(false);
  }

  /** @param {boolean} first */
  async function fetchPage(first) {
    const thisRequest = ++latestRequest;
    list.loading = true;
    list.error = "";
    const query = queryOf({ ...paramsOf(filter), limit: PAGE_SIZE, cursor: first ? null : next });
    await streamOpened;
    const requestedAt = performance.now();
    try {
      const page = await readJson(`/jobs?${query}`);
      if (ended || thisRequest !== latestRequest) return;
      if (first) dropOld(requestedAt);
      next = page.next;
      list.complete = next === null;
      const fresh = page.jobs
        .filter((/** @type {Job} */ { id }) => !known.has(id))
        .map((/** @type {Job} */ job) => summaryOf(receivedNow(job)));
      for (const job of fresh) known.set(job.id, job);
      list.jobs = merged(list.jobs, fresh);
    } catch (error) {
      if (ended || thisRequest !== latestRequest) return;
      list.error = /** @type {Error} */ (error).message;
    }
    list.loading = false;
    update([...changedWhileLoading.values()]);
    changedWhileLoading.clear();
    onChange();
  }

  /** Removes the jobs that were received before the list was requested again. @param {number} requestedAt */
  function dropOld(requestedAt) {
    for (const [id, job] of known) if (!isNewer(job, requestedAt)) known.delete(id);
    list.jobs = list.jobs.filter(({ id }) => known.has(id));
    list.held = list.held.filter(({ id }) => known.has(id));
  }

  /** @param {Job[]} changed */
  function update(changed) {
    /** @type {Map<string, Job>} */
    const updated = new Map();
    /** @type {Set<string>} */
    const unmatched = new Set();
    const fresh = [];
    for (const whole of changed) {
      const wanted = matches(filter, whole);
      const job = summaryOf(whole);
      if (list.loading && !known.has(job.id)) changedWhileLoading.set(job.id, whole);
      if (known.has(job.id)) {
        if (wanted) updated.set(job.id, job);
        else unmatched.add(job.id);
      } else if (wanted && isInLoadedRange(job)) fresh.push(job);
      if (wanted && (known.has(job.id) || isInLoadedRange(job))) known.set(job.id, job);
    }
    if (updated.size > 0) {
      list.jobs = list.jobs.map((job) => updated.get(job.id) ?? job);
      list.held = list.held.map((job) => updated.get(job.id) ?? job);
    }
    if (unmatched.size > 0) remove([...unmatched]);
    if (fresh.length > 0) add(fresh);
    if (updated.size + fresh.length > 0) onChange();
  }

  /** True unless the job is older than those loaded so far: then it will come with a later page. @param {Job} job */
  function isInLoadedRange({ id }) {
    const oldest = list.jobs.at(-1);
    return list.complete || (oldest !== undefined && id > oldest.id);
  }

  /** @param {Job[]} fresh */
  function add(fresh) {
    fresh.sort((one, other) => (one.id < other.id ? 1 : -1));
    const newest = list.jobs[0];
    if (list.holding && newest) {
      const newer = fresh.filter(({ id }) => id > newest.id);
      list.held = merged(list.held, newer);
      fresh = fresh.slice(newer.length);
    }
    list.jobs = merged(list.jobs, fresh);
    if (list.jobs.length + list.held.length > LONGEST) reload();
  }

  function release() {
    list.jobs = merged(list.held, list.jobs);
    list.held = [];
  }

  /** @param {string[]} ids */
  function remove(ids) {
    const removed = ids.filter((id) => known.delete(id));
    if (removed.length === 0) return;
    list.jobs = list.jobs.filter(({ id }) => known.has(id));
    list.held = list.held.filter(({ id }) => known.has(id));
    onChange();
  }
}

/** Merges two lists, newest first. @param {Job[]} one @param {Job[]} other */
function merged(one, other) {
  if (one.length === 0) return other;
  if (other.length === 0) return one;
  if (other[0].id < one[one.length - 1].id) return [...one, ...other];
  if (one[0].id < other[other.length - 1].id) return [...other, ...one];
  return [...one, ...other].sort((first, second) => (first.id < second.id ? 1 : -1));
}
