/**
 * A list of jobs, newest first: loaded as far as somebody looks, and kept as the service tells.
 *
 * @typedef {import("../live/jobs.js").Job} Job
 * @typedef {import("./filters.js").Filter} Filter
 */

import { readJson } from "../service/api.js";
import { onConnection, streaming } from "../live/connection.js";
import { matches, paramsOf } from "./filters.js";
import { brief } from "../parts/job_summary.js";
import { href } from "../route.js";
import { isNewer, noted, onJobs } from "../live/jobs.js";

const PAGE = 200;

/**
 * What a row needs of a job, which may have parameters and a result of many kilobytes.
 * @param {Job} job
 * @returns {Job}
 */
function slim({ id, task, state, params, labels, owner, batch_id, created_at, progress, usage, notedAt }) {
  return { id, task, state, about: brief(params), labels, owner, batch_id, created_at, progress, usage, notedAt };
}

/** A list that has grown longer by itself begins anew. */
const LONGEST = 50_000;

/**
 * @param {Filter} filter
 * @param {() => void} changed is called whenever there is something else to show
 */
export function jobList(filter, changed) {
  const list = {
    /** @type {Job[]} */
    jobs: [],
    /** @type {Job[]} newer ones, not shown yet because the reader is further down */
    held: [],
    /** While it is true, newer ones wait. */
    holding: false,
    loading: false,
    /** All that there are have been loaded. */
    complete: false,
    problem: "",
    more,
    release,
    end,
  };
  /** @type {Map<string, Job>} those of `jobs` and `held` */
  const known = new Map();
  /** @type {Map<string, Job>} others that were told while a page was on its way, which may have them as they were before */
  const early = new Map();
  /** @type {string | null} */
  let next = null;
  let load = 0;
  let ended = false;
  const stops = [
    onJobs(take, { deleted: drop, reset: begin }),
    onConnection((lost) => lost === null && list.problem !== "" && begin()),
  ];
  begin();
  return list;

  function end() {
    ended = true;
    for (const stop of stops) stop();
  }

  function begin() {
    next = null;
    list.complete = false;
    fetchPage(true);
  }

  /** Loads the next ones, if there are any and none are on their way. */
  function more() {
    if (!list.loading && !list.complete && list.problem === "") fetchPage(false);
  }

  /** @param {boolean} anew */
  async function fetchPage(anew) {
    const mine = ++load;
    list.loading = true;
    list.problem = "";
    const query = href({ ...paramsOf(filter), limit: PAGE, cursor: anew ? null : next });
    await streaming;
    const asked = performance.now();
    try {
      const page = await readJson(`/jobs${query.slice(1)}`);
      if (ended || mine !== load) return;
      if (anew) forget(asked);
      next = page.next;
      list.complete = next === null;
      const fresh = page.jobs
        .filter((/** @type {Job} */ { id }) => !known.has(id))
        .map((/** @type {Job} */ job) => slim(noted(job)));
      for (const job of fresh) known.set(job.id, job);
      list.jobs = merged(list.jobs, fresh);
    } catch (error) {
      if (ended || mine !== load) return;
      list.problem = /** @type {Error} */ (error).message;
    }
    list.loading = false;
    take([...early.values()]);
    early.clear();
    changed();
  }

  /** Forgets what was there before a list that begins anew. @param {number} asked */
  function forget(asked) {
    for (const [id, job] of known) if (!isNewer(job, asked)) known.delete(id);
    list.jobs = list.jobs.filter(({ id }) => known.has(id));
    list.held = list.held.filter(({ id }) => known.has(id));
  }

  /** @param {Job[]} told */
  function take(told) {
    /** @type {Map<string, Job>} */
    const renewed = new Map();
    /** @type {Set<string>} */
    const gone = new Set();
    const fresh = [];
    for (const whole of told) {
      const wanted = matches(filter, whole);
      const job = slim(whole);
      if (list.loading && !known.has(job.id)) early.set(job.id, whole);
      if (known.has(job.id)) {
        if (wanted) renewed.set(job.id, job);
        else gone.add(job.id);
      } else if (wanted && belongs(job)) fresh.push(job);
      if (wanted && (known.has(job.id) || belongs(job))) known.set(job.id, job);
    }
    if (renewed.size > 0) {
      list.jobs = list.jobs.map((job) => renewed.get(job.id) ?? job);
      list.held = list.held.map((job) => renewed.get(job.id) ?? job);
    }
    if (gone.size > 0) drop([...gone]);
    if (fresh.length > 0) add(fresh);
    if (renewed.size + fresh.length > 0) changed();
  }

  /** True unless it is older than what has been loaded so far: then it comes with the next page. @param {Job} job */
  function belongs({ id }) {
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
    if (list.jobs.length + list.held.length > LONGEST) begin();
  }

  function release() {
    list.jobs = merged(list.held, list.jobs);
    list.held = [];
  }

  /** @param {string[]} ids */
  function drop(ids) {
    const there = ids.filter((id) => known.delete(id));
    if (there.length === 0) return;
    list.jobs = list.jobs.filter(({ id }) => known.has(id));
    list.held = list.held.filter(({ id }) => known.has(id));
    changed();
  }
}

/** Two lists, newest first, as one. @param {Job[]} one @param {Job[]} other */
function merged(one, other) {
  if (one.length === 0) return other;
  if (other.length === 0) return one;
  if (other[0].id < one[one.length - 1].id) return [...one, ...other];
  if (one[0].id < other[other.length - 1].id) return [...other, ...one];
  return [...one, ...other].sort((first, second) => (first.id < second.id ? 1 : -1));
}
