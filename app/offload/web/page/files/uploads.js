/**
 * The files that were given to this page: each is uploaded, digested and kept with its result until it is put away.
 * They go on while another view is shown.
 *
 * @typedef {"waiting" | "sending" | "digesting" | "done" | "failed" | "stopped"} Stage
 * @typedef {{
 *   key: string,
 *   file: File,
 *   wanted: {algorithms: string[], expected: Record<string, string> | null},
 *   stage: Stage,
 *   sent: number,
 *   job: any,
 *   problem: string,
 *   stop: AbortController,
 * }} Entry
 *   `sent` in bytes; `job` null until it has been accepted; `problem` of one that failed, in words
 */

import { send } from "../service/api.js";
import { watchJob } from "../live/jobs.js";
import { uploadAndDigest } from "./upload.js";

/** Browsers open six connections to one host, and the page needs some. */
const AT_ONCE = 2;

/** @type {Record<string, Stage>} */
const ENDINGS = { succeeded: "done", failed: "failed", cancelled: "stopped" };

/** @type {Entry[]} */
const entries = [];
let given = 0;
/** @type {Set<() => void>} */
const listeners = new Set();

/** The files, newest first. */
export const uploads = () => [...entries];

/**
 * @param {() => void} listener is called at each change
 * @returns {() => void} ends that
 */
export function onUploads(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const changed = () => {
  if (entries.some(({ stage }) => stage === "waiting" || stage === "sending")) addEventListener("beforeunload", ask);
  else removeEventListener("beforeunload", ask);
  listeners.forEach((listener) => listener());
};

/** What is not there yet would be lost with the page. @param {Event} event */
const ask = (event) => event.preventDefault();

/**
 * Takes a file on.
 * @param {File} file
 * @param {Entry["wanted"]} wanted
 */
export function digest(file, wanted) {
  given += 1;
  entries.unshift({
    key: String(given),
    file,
    wanted,
    stage: "waiting",
    sent: 0,
    job: null,
    problem: "",
    stop: new AbortController(),
  });
  next();
}

/** Stops a file that is not finished: what was sent of it is forgotten, and its job cancelled. @param {Entry} entry */
export async function stop(entry) {
  if (entry.stage === "waiting") entry.stage = "stopped";
  else if (entry.stage === "sending") entry.stop.abort();
  else if (entry.stage === "digesting") {
    await send("POST", `/jobs/${entry.job.id}/cancel`).catch((error) => (entry.problem = error.message));
  }
  next();
}

/** Uploads once more what has not arrived. @param {Entry} entry */
export function again(entry) {
  Object.assign(entry, { stage: "waiting", sent: 0, problem: "", stop: new AbortController() });
  next();
}

/** Takes what is finished off the list; its job stays. @param {Entry} entry */
export function putAway(entry) {
  entries.splice(entries.indexOf(entry), 1);
  changed();
}

function next() {
  const busy = entries.filter(({ stage }) => stage === "sending").length;
  const waiting = entries.filter(({ stage }) => stage === "waiting").reverse();
  for (const entry of waiting.slice(0, Math.max(0, AT_ONCE - busy))) transfer(entry);
  changed();
}

/** @param {Entry} entry */
async function transfer(entry) {
  entry.stage = "sending";
  /** @param {number} sent */
  const progressed = (sent) => {
    entry.sent = sent;
    changed();
  };
  try {
    const job = await uploadAndDigest(entry.file, entry.wanted, progressed, entry.stop.signal);
    entry.stage = "digesting";
    follow(entry, job);
  } catch (error) {
    const stopped = error instanceof DOMException && error.name === "AbortError";
    entry.stage = stopped ? "stopped" : "failed";
    entry.problem = stopped ? "" : /** @type {Error} */ (error).message;
  }
  next();
}

/** @param {Entry} entry @param {any} job as it was accepted */
function follow(entry, job) {
  const end = watchJob(job.id, tell, (why) => fail(why.message));
  tell(job);

  /** @param {any} latest */
  function tell(latest) {
    entry.job = latest;
    entry.stage = ENDINGS[latest.state] ?? "digesting";
    if (latest.error) entry.problem = latest.error.detail;
    if (entry.stage !== "digesting") end();
    changed();
  }

  /** @param {string} problem */
  function fail(problem) {
    end();
    Object.assign(entry, { stage: "failed", problem });
    changed();
  }
}
