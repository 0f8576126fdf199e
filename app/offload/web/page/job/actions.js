/**
 * What can be done with a job.
 *
 * @typedef {import("../live/jobs.js").Job} Job
 */

import { send } from "../service/api.js";
import { confirmed } from "../parts/confirm.js";
import { h, setText } from "../parts/dom.js";
import { editable, retryAsNew } from "./retry.js";
import { go } from "../route.js";
import { isOver } from "../parts/states.js";

/**
 * The buttons, of which those are there that make sense.
 * @param {() => Job} now
 * @param {string} path of the job
 * @param {HTMLElement} problem where it is said what went wrong
 */
export function actionBar(now, path, problem) {
  /** @param {string} words @param {string} look @param {() => Promise<void>} act */
  const action = (words, look, act) => {
    const button = h("button", { type: "button", class: look }, words);
    // Never disabled: the focus would leave it.
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
  const retry = action("Retry as new", "", async () => go({ view: "job", job: (await retryAsNew(now().id)).id }));
  const edit = action("Edit and submit", "", async () => go(await editable(now().id)));
  const remove = action("Delete", "danger", async () => {
    if (
      await confirmed(
        "Delete this job?",
        "Its record, its result and what was uploaded for it are forgotten.",
        "Delete",
      )
    ) {
      await send("DELETE", path);
      go({ view: "jobs" });
    }
  });
  return {
    element: h("div", { class: "job-actions" }, retry, edit, cancel, remove),
    update() {
      const over = isOver(now());
      const held = document.activeElement === cancel && over;
      cancel.hidden = over;
      retry.hidden = remove.hidden = !over;
      if (held) retry.focus();
    },
  };
}
