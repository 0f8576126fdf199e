/**
 * A dialog that confirms an action which can't be undone.
 */

import { h } from "./dom.js";

/**
 * @param {string} question
 * @param {string} consequence in a sentence
 * @param {string} action the text of the button that confirms
 * @returns {Promise<boolean>} true if the user confirms; the focus is then where it was before
 */
export function confirmed(question, consequence, action) {
  const yes = h("button", { type: "submit", value: "yes", class: "danger" }, action);
  const no = h("button", { type: "submit", value: "no", autofocus: true }, "Keep it");
  const dialog = h(
    "dialog",
    { "aria-labelledby": "confirm-title" },
    h(
      "form",
      { method: "dialog" },
      h("h2", { id: "confirm-title" }, question),
      h("p", {}, consequence),
      h("div", { class: "form-actions" }, no, yes),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}
