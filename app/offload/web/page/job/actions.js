/**
 * The actions on a job: cancel, delete, and submit again.
 *
 * @typedef {import("../live/jobs.js").Job} Job
 */

import { optionsOf, optionsSchema, toQuery } from "../options.js";
import { confirmed } from "../parts/confirm.js";
import { h, setText } from "../parts/dom.js";
import { isFinal } from "../parts/states.js";
import { navigate } from "../route.js";
import { readExactJson, send } from "../service/api.js";
import { write } from "../service/json.js";

/**
 * Makes the buttons. Those that the job's state does not allow are hidden.
 * @param {() => Job} currentJob
 * @param {string} path of the job
 * @param {HTMLElement} problem shows the error of an action that failed
 */
export function actionBar(currentJob, path, problem) {
  /** @param {string} caption @param {string} look @param {() => Promise<void>} act */
  const action = (caption, look, act) => {
    const button = h("button", { type: "button", class: look }, caption);
    // A disabled button would lose the focus.
    let busy = false;
    button.addEventListener("click", async () => {
      if (busy) return;
      busy = true;
      setText(problem, "");
      await act().catch((error) => setText(problem, error.message));
      busy = false;
    });
    return button;
  };
  const cancel = action("Cancel", "danger", async () => {
    await send("POST", `${path}/cancel`);
  });
  const retry = action("Retry as new", "", async () => navigate({ view: "job", job: (await retryAsNew(path)).id }));
  const edit = action("Edit and submit", "", async () => navigate(await submitParams(path)));
  const remove = action("Delete", "danger", async () => {
    if (await confirmed("Delete this job?", "Its record, result and uploads will be deleted.", "Delete")) {
      await send("DELETE", path);
      navigate({ view: "jobs" });
    }
  });
  return {
    element: h("div", { class: "job-actions" }, retry, edit, cancel, remove),
    update() {
      const final = isFinal(currentJob());
      const focusMoves = document.activeElement === cancel && final;
      cancel.hidden = final;
      retry.hidden = remove.hidden = !final;
      if (focusMoves) retry.focus();
    },
  };
}

/** Submits the job's parameters and options again. @param {string} path @returns {Promise<any>} the new job */
async function retryAsNew(path) {
  const { job, options } = await readSubmission(path);
  return send("POST", `/jobs/${encodeURIComponent(job.task)}?${toQuery(options)}`, write(job.params));
}

/**
 * Returns the address parameters that fill the submit view with the job.
 * @param {string} path
 * @returns {Promise<import("../route.js").Params>}
 */
async function submitParams(path) {
  const { job, options } = await readSubmission(path);
  return { view: "submit", task: job.task, params: write(job.params), ...options };
}

/** Returns the job, with exact numbers, and the options that it was submitted with. @param {string} path */
async function readSubmission(path) {
  const job = await readExactJson(path);
  return { job, options: optionsOf(job, await optionsSchema(job.task)) };
}
