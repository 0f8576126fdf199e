/**
 * The view that submits a job: the choice of the task, and its form.
 */

import { optionsSchema } from "../options.js";
import { h } from "../parts/dom.js";
import { navigate } from "../route.js";
import { readExactJson } from "../service/api.js";
import { submission } from "./submission.js";

/** @typedef {import("./submission.js").Task} Task */

export const view = { name: "submit", title: "Submit", show };

/**
 * Shows the form of the task that `params` name, filled in with the other parameters.
 * @param {HTMLElement} root
 * @param {URLSearchParams} params
 */
function show(root, params) {
  let disposed = false;
  const holder = h("div", {}, h("p", { class: "muted" }, "Loading the tasks…"));
  root.replaceChildren(h("h2", {}, "Submit a job"), holder);
  load().catch((error) => {
    if (!disposed)
      holder.replaceChildren(h("p", { class: "problem", role: "alert" }, /** @type {Error} */ (error).message));
  });
  return () => {
    disposed = true;
  };

  async function load() {
    /** @type {Task[]} */
    const tasks = (await readExactJson("/tasks")).tasks;
    if (disposed) return;
    const requested = params.get("task");
    const task = requested === null ? tasks[0] : tasks.find(({ name }) => name === requested);
    const choice = taskChoice(tasks, task?.name);
    if (!task) {
      holder.replaceChildren(choice, h("p", { class: "problem", role: "alert" }, `There is no task ${requested}.`));
    } else {
      const schema = await optionsSchema(task.name, task.limits);
      if (!disposed) holder.replaceChildren(submission(task, schema, params, choice));
    }
  }
}

/** @param {Task[]} tasks @param {string | undefined} chosen */
function taskChoice(tasks, chosen) {
  const options = tasks.map(({ name }) => h("option", { value: name, selected: name === chosen }, name));
  const none = chosen === undefined ? [h("option", { value: "", selected: true }, "Choose…")] : [];
  const select = h("select", { id: "task" }, ...none, ...options);
  select.addEventListener("change", () => navigate({ view: "submit", task: select.value }));
  return h("div", { class: "field" }, h("label", { for: "task", class: "field-label" }, "Task"), select);
}
