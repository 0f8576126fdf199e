/**
 * The files that were added to the page. Each is uploaded and digested, and listed until it is dismissed, also while
 * another view is shown.
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
 *   `sent` in bytes; `job` is null until it has been accepted; `problem` is the error of a file that failed
 */

import { watchJob } from "../live/jobs.js";
import { postForm, send } from "../service/api.js";

/** Browsers open six connections to a host, and the page needs some of them. */
const CONCURRENT_UPLOADS = 2;

/** The stage of a file by the final state of its job. @type {Record<string, Stage>} */
const FINAL_STAGES = { succeeded: "done", failed: "failed", cancelled: "stopped" };

/** @type {Entry[]} */
const entries = [];
let added = 0;
/** @type {Set<() => void>} */
const listeners = new Set();

/** The files, newest first. */
export const uploads = () => [...entries];

/** True until the file's digests are known or it has failed. @param {Entry} entry */
export const isLive = ({ stage }) => ["waiting", "sending", "digesting"].includes(stage);

/**
 * @param {() => void} listener is called at each change
 * @returns {() => void} stops it
 */
export function onUploads(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function notify() {
  const unsent = entries.some(({ stage }) => stage === "waiting" || stage === "sending");
  if (unsent) addEventListener("beforeunload", askBeforeUnload);
  else removeEventListener("beforeunload", askBeforeUnload);
  listeners.forEach((listener) => listener());
}

/** Makes the browser ask before it leaves the page, which would end the uploads. @param {Event} event */
const askBeforeUnload = (event) => event.preventDefault();

/**
 * Adds a file to the list and uploads it.
 * @param {File} file
 * @param {Entry["wanted"]} wanted
 */
export function addFile(file, wanted) {
  added += 1;
  entries.unshift({
    key: String(added),
    file,
    wanted,
    stage: "waiting",
    sent: 0,
    job: null,
    problem: "",
    stop: new AbortController(),
  });
  startNext();
}

/** Stops a live file: its upload is aborted or its job cancelled. @param {Entry} entry */
export async function stop(entry) {
  if (entry.stage === "waiting") entry.stage = "stopped";
  else if (entry.stage === "sending") entry.stop.abort();
  else if (entry.stage === "digesting") {
    await send("POST", `/jobs/${entry.job.id}/cancel`).catch((error) => (entry.problem = error.message));
  }
  startNext();
}

/** Uploads a file again that did not arrive. @param {Entry} entry */
export function retry(entry) {
  Object.assign(entry, { stage: "waiting", sent: 0, problem: "", stop: new AbortController() });
  startNext();
}

/** Removes a file from the list; its job is kept. @param {Entry} entry */
export function dismiss(entry) {
  entries.splice(entries.indexOf(entry), 1);
  notify();
}

function startNext() {
  const sending = entries.filter(({ stage }) => stage === "sending").length;
  const waiting = entries.filter(({ stage }) => stage === "waiting").reverse();
  for (const entry of waiting.slice(0, Math.max(0, CONCURRENT_UPLOADS - sending))) upload(entry);
  notify();
}

/** @param {Entry} entry */
async function upload(entry) {
  entry.stage = "sending";
  /** @param {number} bytes of the form, which is slightly larger than the file */
  const onProgress = (bytes) => {
    entry.sent = Math.min(bytes, entry.file.size);
    notify();
  };
  try {
    const job = await postForm("/jobs/file-digest/upload", formOf(entry), onProgress, entry.stop.signal);
    entry.stage = "digesting";
    follow(entry, job);
  } catch (error) {
    const stopped = error instanceof DOMException && error.name === "AbortError";
    entry.stage = stopped ? "stopped" : "failed";
    entry.problem = stopped ? "" : /** @type {Error} */ (error).message;
  }
  startNext();
}

/** The service requires the parameters before the file. @param {Entry} entry */
function formOf({ file, wanted: { algorithms, expected } }) {
  const form = new FormData();
  for (const algorithm of algorithms) form.append("algorithms", algorithm);
  if (expected) form.append("expected", JSON.stringify(expected));
  form.append("file", file);
  return form;
}

/** @param {Entry} entry @param {any} accepted the job */
function follow(entry, accepted) {
  const endWatch = watchJob(accepted.id, update, { gone: (error) => fail(error.message) });
  update(accepted);

  /** @param {any} job */
  function update(job) {
    entry.job = job;
    entry.stage = FINAL_STAGES[job.state] ?? "digesting";
    if (job.error) entry.problem = job.error.detail;
    if (entry.stage !== "digesting") endWatch();
    notify();
  }

  /** @param {string} problem */
  function fail(problem) {
    endWatch();
    Object.assign(entry, { stage: "failed", problem });
    notify();
  }
}
