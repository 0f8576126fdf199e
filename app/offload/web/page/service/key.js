/**
 * The API key, kept in this tab's session storage only, and the dialog that asks for it.
 */

import { h } from "../parts/dom.js";
import { responseError, UNREACHABLE } from "./errors.js";
import { PREFIX } from "./prefix.js";

const STORAGE_NAME = `offload-key${PREFIX}`;

/** Requests that wait for a key. @type {{promise: Promise<void>, resolve: () => void} | null} */
let pending = null;

/** Shows or hides the button. @type {(keyNeeded: boolean) => void} */
let showButton = () => {};

export const hasKey = () => sessionStorage.getItem(STORAGE_NAME) !== null;

/** The headers that carry the key; none without a key. @returns {Record<string, string>} */
export function authorization() {
  const key = sessionStorage.getItem(STORAGE_NAME);
  return key === null ? {} : { Authorization: `Bearer ${key}` };
}

/**
 * Waits until there is another key than the rejected one.
 * @param {Record<string, string>} rejected the headers of the request that had the response 401
 * @returns {Promise<void>}
 */
export function newKey(rejected) {
  if (rejected.Authorization !== authorization().Authorization) return Promise.resolve();
  if (!pending) {
    pending = withResolvers();
    showButton(true);
    openDialog(hasKey() ? "The service no longer accepts this key." : "");
  }
  return pending.promise;
}

function withResolvers() {
  /** @type {() => void} */
  let resolve = () => {};
  const promise = new Promise((done) => (resolve = () => done(undefined)));
  return { promise: /** @type {Promise<void>} */ (promise), resolve };
}

/**
 * Makes the button that asks for a key or removes it. It is hidden if the service has no keys; only then does the
 * footer link to the metrics, since a browser that follows a link sends no key.
 * @returns {HTMLElement}
 */
export function keyButton() {
  const button = h("button", { type: "button", class: "quiet", hidden: !hasKey() }, "");
  const metrics = document.querySelector(`footer a[href="${PREFIX}/metrics"]`);
  const update = () => {
    button.textContent = hasKey() ? "Forget the key" : "Enter a key";
    metrics?.toggleAttribute("hidden", !button.hidden);
  };
  showButton = (keyNeeded) => {
    button.hidden = !keyNeeded && !hasKey();
    update();
  };
  button.addEventListener("click", () => {
    if (!hasKey()) return openDialog("");
    sessionStorage.removeItem(STORAGE_NAME);
    location.reload();
  });
  update();
  return button;
}

/** @param {string} reason why the dialog is open; empty for the first key */
function openDialog(reason) {
  const input = h("input", {
    id: "key",
    type: "password",
    required: true,
    autofocus: true,
    autocomplete: "current-password",
    spellcheck: "false",
    "aria-describedby": "key-problem",
  });
  const problem = h("p", { id: "key-problem", class: "problem", role: "alert" }, reason);
  const button = h("button", { class: "primary" }, "Use this key");
  const form = h(
    "form",
    null,
    h("h2", { id: "key-title" }, "This service requires a key"),
    h("p", { class: "muted" }, "The key is kept in this tab only, and removed when the tab is closed."),
    h("div", { class: "field" }, h("label", { for: "key", class: "field-label" }, "Key"), input),
    problem,
    h("div", { class: "form-actions" }, button),
  );
  const dialog = h("dialog", { "aria-labelledby": "key-title" }, form);
  form.addEventListener("submit", async (/** @type {Event} */ event) => {
    event.preventDefault();
    button.disabled = true;
    const error = await keyError(input.value.trim());
    button.disabled = false;
    problem.textContent = error;
    if (error) return input.select();
    sessionStorage.setItem(STORAGE_NAME, input.value.trim());
    dialog.close();
    pending?.resolve();
    pending = null;
    showButton(true);
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** Tries a key. @param {string} key @returns {Promise<string>} why it can't be used; empty if it can */
async function keyError(key) {
  if (!/^[\x20-\x7e]+$/.test(key)) return "A key has ASCII letters, digits and punctuation only.";
  try {
    const response = await fetch(`${PREFIX}/stats`, { headers: { Authorization: `Bearer ${key}` } });
    if (response.ok) return "";
    if (response.status === 401) return "The service does not know this key.";
    return `${responseError(response, await response.text().catch(() => "")).message} Try again.`;
  } catch {
    return `${UNREACHABLE} Try again.`;
  }
}
