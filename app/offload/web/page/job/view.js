/**
 * The view of one job.
 */

import { everySecond } from "../live/connection.js";
import { watchJob } from "../live/jobs.js";
import { h, setText } from "../parts/dom.js";
import { href } from "../route.js";
import { jobSheet } from "./sheet.js";

export const view = { name: "job", title: "Job", show };

/**
 * @param {HTMLElement} root
 * @param {URLSearchParams} params
 */
function show(root, params) {
  const back = h("p", { class: "back" }, h("a", { href: href({ view: "jobs" }) }, "All jobs"));
  const problem = h("p", { class: "problem", role: "alert" });
  const loading = h("p", { class: "muted" }, "Loading…");
  root.append(back, h("h2", null, "Job"), problem, loading);
  /** @type {ReturnType<typeof jobSheet> | null} */
  let sheet = null;
  const endWatch = watchJob(
    params.get("job") ?? "",
    (job) => {
      if (!sheet) {
        sheet = jobSheet(job);
        root.replaceChildren(back, sheet.element);
      }
      sheet.update(job);
    },
    {
      gone(error) {
        endWatch();
        root.replaceChildren(back, h("h2", null, "Job"), problem);
        setText(problem, error.message);
      },
      failed(error) {
        loading.remove();
        setText(problem, error.message);
      },
    },
  );
  const endTicks = everySecond(() => sheet?.tick());
  return () => {
    endWatch();
    endTicks();
  };
}
