/**
 * The view of files to digest: the choice of files, what to compute, and the list.
 */

import { h, setText } from "../parts/dom.js";
import { readJson } from "../service/api.js";
import { entryList } from "./entries.js";
import { expectedOf, lengthsOf } from "./expected.js";
import { addFile } from "./uploads.js";

export const view = { name: "files", title: "Files", show };

/** The settings, which also apply to files that are dropped while another view is shown. */
const settings = { algorithms: ["sha256"], expected: "" };

/** Shows a message in the view, if it is shown. @type {(message: string) => void} */
let showMessage = () => {};

/**
 * Digests files with the settings of this view.
 * @param {File[]} files
 * @param {number} [folders] the number of folders that were dropped with them
 */
export async function addFiles(files, folders = 0) {
  showMessage("");
  try {
    const lengths = lengthsOf((await fileDigestTask()).params);
    const wanted = files.map((file) => ({
      file,
      expected: expectedOf(settings.expected, file.name, settings.algorithms, lengths),
    }));
    for (const { file, expected } of wanted) addFile(file, { algorithms: [...settings.algorithms], expected });
    if (folders > 0) showMessage("A folder can't be uploaded. Drop the files in it instead.");
  } catch (error) {
    showMessage(/** @type {Error} */ (error).message);
  }
}

/** @type {Promise<any> | null} */
let task = null;

/** The task `file-digest`, requested once. */
function fileDigestTask() {
  task ??= readJson("/tasks/file-digest");
  task.catch(() => (task = null));
  return task;
}

/** @param {HTMLElement} root */
function show(root) {
  const problem = h("p", { class: "problem", role: "alert" });
  showMessage = (message) => setText(problem, message);
  const input = h("input", { type: "file", multiple: true, id: "files", class: "visually-hidden" });
  input.addEventListener("change", () => {
    addFiles([...(input.files ?? [])]);
    input.value = ""; // otherwise the same file could not be chosen again
  });
  const dropZone = h(
    "div",
    { class: "drop-zone" },
    input,
    h("label", { for: "files", class: "button primary" }, "Choose files"),
    h("p", {}, "or drop them anywhere on this page"),
  );
  const list = entryList();
  const fields = h("div", { class: "file-settings" });
  root.replaceChildren(h("h2", {}, "Digest files"), dropZone, problem, fields, list.element);
  fileDigestTask().then(
    ({ params }) => fields.replaceChildren(algorithmBoxes(params), expectedArea()),
    (error) => showMessage(error.message),
  );
  return () => {
    showMessage = () => {};
    list.dispose();
  };
}

/** @param {any} params the JSON Schema of the task's parameters */
function algorithmBoxes(params) {
  const boxes = params.properties.algorithms.items.enum.map((/** @type {string} */ name) => {
    const box = h("input", { type: "checkbox", id: `algorithm-${name}`, checked: settings.algorithms.includes(name) });
    box.addEventListener("change", () => {
      const others = settings.algorithms.filter((chosen) => chosen !== name);
      if (!box.checked && others.length === 0)
        box.checked = true; // at least one algorithm is required
      else settings.algorithms = box.checked ? [...others, name] : others;
    });
    return h("div", { class: "field-give" }, box, h("label", { for: box.id }, name));
  });
  return h(
    "fieldset",
    { class: "field-group plain" },
    h("legend", { class: "field-label" }, "Algorithms"),
    h("div", { class: "field-set" }, ...boxes),
  );
}

function expectedArea() {
  const area = h("textarea", {
    id: "expected",
    class: "json",
    rows: 2,
    spellcheck: "false",
    autocomplete: "off",
    "aria-describedby": "expected-hint",
  });
  area.value = settings.expected;
  area.addEventListener("input", () => (settings.expected = area.value));
  return h(
    "div",
    { class: "field" },
    h(
      "label",
      { for: "expected", class: "field-label" },
      "Expected digest ",
      h("span", { class: "field-optional" }, "optional"),
    ),
    h(
      "p",
      { id: "expected-hint", class: "field-hint" },
      "A digest in hex, or the output of ",
      h("code", {}, "sha256sum"),
      ". It is compared with the files that you choose from now on.",
    ),
    area,
  );
}
