/**
 * A job once more: the same parameters, to the digit, and the same options.
 */

import { readText, send } from "../service/api.js";
import { parse, write } from "../service/json.js";
import { optionsOf, toQuery } from "../options.js";

/**
 * Submits a job again as a new one.
 * @param {string} id of the job
 * @returns {Promise<any>} the new job
 * @throws {import("../service/api.js").ApiProblem} where the service refuses it, for instance because its upload is gone
 */
export async function retryAsNew(id) {
  const job = await exactJob(id);
  return send("POST", `/jobs/${encodeURIComponent(job.task)}?${toQuery(optionsOf(job))}`, write(job.params));
}

/**
 * What the view of submissions takes to show a job's parameters and options, to be changed before they are sent.
 * @param {string} id of the job
 * @returns {Promise<Record<string, any>>} parameters of the page's address
 */
export async function editable(id) {
  const job = await exactJob(id);
  const { label, ...options } = optionsOf(job);
  return { view: "submit", task: job.task, params: write(job.params), label, ...options };
}

/** @param {string} id */
async function exactJob(id) {
  return parse(await readText(`/jobs/${encodeURIComponent(id)}`));
}
