/**
 * The filter of the list of jobs: in the address, in the request to the service and as a form.
 *
 * @typedef {{states: string[], task: string, label: string, batch: string}} Filter "" and [] match every job
 */

import { h } from "../parts/dom.js";
import { STATES } from "../parts/states.js";
import { readJson } from "../service/api.js";

/** The pause in typing after which a label is searched for. */
const TYPING_MS = 300;

/** @param {URLSearchParams} params @returns {Filter} */
export function filterOf(params) {
  const [task, label, batch] = ["task", "label", "batch"].map((name) => params.get(name) ?? "");
  return { states: STATES.filter((state) => params.getAll("state").includes(state)), task, label, batch };
}

/** Returns the parameters of the address, which are those of `GET /jobs` too. @param {Filter} filter */
export const paramsOf = ({ states, task, label, batch }) => ({ state: states, task, label, batch });

/** @param {Filter} filter @param {import("../live/jobs.js").Job} job */
export function matches({ states, task, label, batch }, job) {
  if (states.length > 0 && !states.includes(job.state)) return false;
  if (task !== "" && job.task !== task) return false;
  if (label !== "" && !job.labels.includes(label)) return false;
  return batch === "" || job.batch_id === batch;
}

/** @param {Filter} filter */
export const isEmpty = ({ states, task, label, batch }) => states.length === 0 && task + label + batch === "";

/**
 * Makes the form.
 * @param {Filter} initial
 * @param {(filter: Filter) => void} onChange
 */
export function filterForm(initial, onChange) {
  let filter = initial;
  /** @type {number | undefined} */
  let timer;
  /** @param {Partial<Filter>} part */
  const change = (part) => {
    filter = { ...filter, ...part };
    clear.hidden = isEmpty(filter);
    onChange(filter);
  };

  const boxes = STATES.map((state) =>
    h("input", {
      type: "checkbox",
      value: state,
      checked: filter.states.includes(state),
      onchange: () => change({ states: boxes.filter((box) => box.checked).map((box) => box.value) }),
    }),
  );
  const states = h(
    "fieldset",
    { class: "filter-states" },
    h("legend", { class: "visually-hidden" }, "State"),
    ...STATES.map((state, index) =>
      h("label", { class: "filter-state" }, boxes[index], h("span", { class: "state", "data-state": state }, state)),
    ),
  );
  const task = h("select", { "aria-label": "Task" }, h("option", { value: "" }, "All tasks"));
  task.addEventListener("change", () => change({ task: task.value }));
  fillTasks(task, filter.task);
  const label = h("input", {
    type: "search",
    "aria-label": "Label",
    placeholder: "Label",
    spellcheck: "false",
    autocomplete: "off",
  });
  label.value = filter.label;
  label.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => change({ label: label.value.trim() }), TYPING_MS);
  });
  const batch = h(
    "button",
    { type: "button", class: "filter-batch", hidden: filter.batch === "" },
    "Of batch ",
    h("code", null, `…${filter.batch.slice(-6)}`),
    h("span", { "aria-hidden": "true" }, " ✕"),
    h("span", { class: "visually-hidden" }, ": remove this filter"),
  );
  batch.addEventListener("click", () => {
    batch.hidden = true;
    task.focus();
    change({ batch: "" });
  });
  const clear = h("button", { type: "button", class: "quiet", hidden: isEmpty(filter) }, "Clear filters");
  clear.addEventListener("click", () => {
    for (const box of boxes) box.checked = false;
    [task.value, label.value, batch.hidden] = ["", "", true];
    boxes[0].focus();
    change({ states: [], task: "", label: "", batch: "" });
  });
  return h(
    "form",
    {
      class: "filters",
      role: "search",
      "aria-label": "Filter jobs",
      onsubmit: (/** @type {Event} */ event) => event.preventDefault(),
    },
    states,
    task,
    label,
    batch,
    clear,
  );
}

/**
 * Adds the registered tasks as options, and the chosen one even if it is no longer registered.
 * @param {HTMLSelectElement} select
 * @param {string} chosen
 */
async function fillTasks(select, chosen) {
  if (chosen !== "") select.append(h("option", { value: chosen, selected: true }, chosen));
  const { tasks } = await readJson("/tasks").catch(() => ({ tasks: [] })); // the list shows the error
  const names = tasks
    .map((/** @type {any} */ { name }) => name)
    .filter((/** @type {string} */ name) => name !== chosen);
  select.append(...names.map((/** @type {string} */ name) => h("option", { value: name }, name)));
}
