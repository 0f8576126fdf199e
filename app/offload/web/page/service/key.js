/**
 * The key that the service asks for, kept as long as this tab and nowhere else.
 */

import { h } from "../parts/dom.js";

const KEPT = "offload-key";

/** @type {{promise: Promise<void>, resolve: () => void} | null} */
let awaited = null;

/** @type {(needed: boolean) => void} */
let tell = () => {};

export const hasKey = () => sessionStorage.getItem(KEPT) !== null;

/** The headers that show the key; none where there is none. @returns {Record<string, string>} */
export function authorization() {
  const key = sessionStorage.getItem(KEPT);
  return key === null ? {} : { Authorization: `Bearer ${key}` };
}

/**
 * Waits for another key than the one that was refused.
 * @param {Record<string, string>} refused headers that were answered with 401
 * @returns {Promise<void>}
 */
export function keyFor(refused) {
  if (refused.Authorization !== authorization().Authorization) return Promise.resolve();
  if (!awaited) {
    awaited = withResolvers();
    tell(true);
    askForKey(hasKey() ? "The key is not known to the service any more." : "");
  }
  return awaited.promise;
}

function withResolvers() {
  /** @type {() => void} */
  let resolve = () => {};
  const promise = new Promise((done) => (resolve = () => done(undefined)));
  return { promise: /** @type {Promise<void>} */ (promise), resolve };
}

/**
 * The button that asks for a key, or forgets it; hidden where the service has none. Only then the footer links
 * the metrics: a browser that follows a link shows no key.
 * @returns {HTMLElement}
 */
export function keyButton() {
  const button = h("button", { type: "button", class: "quiet", hidden: !hasKey() }, "");
  const metrics = document.querySelector('footer a[href="/metrics"]');
  const show = () => {
    button.textContent = hasKey() ? "Forget the key" : "Enter a key";
    metrics?.toggleAttribute("hidden", !button.hidden);
  };
  tell = (needed) => {
    button.hidden = !needed && !hasKey();
    show();
  };
  button.addEventListener("click", () => {
    if (!hasKey()) return askForKey("");
    sessionStorage.removeItem(KEPT);
    location.reload();
  });
  show();
  return button;
}

/** @param {string} why */
function askForKey(why) {
  const input = h("input", {
    id: "key",
    type: "password",
    required: true,
    autofocus: true,
    autocomplete: "current-password",
    spellcheck: "false",
    "aria-describedby": "key-problem",
  });
  const problem = h("p", { id: "key-problem", class: "problem", role: "alert" }, why);
  const button = h("button", { class: "primary" }, "Use this key");
  const form = h(
    "form",
    null,
    h("h2", { id: "key-title" }, "This service asks for a key"),
    h("p", { class: "muted" }, "It is kept in this tab only, and forgotten when the tab is closed."),
    h("div", { class: "field" }, h("label", { for: "key", class: "field-label" }, "Key"), input),
    problem,
    h("div", { class: "form-actions" }, button),
  );
  const dialog = h("dialog", { "aria-labelledby": "key-title" }, form);
  form.addEventListener("submit", async (/** @type {Event} */ event) => {
    event.preventDefault();
    button.disabled = true;
    const wrong = await complaint(input.value.trim());
    button.disabled = false;
    problem.textContent = wrong;
    if (wrong) return input.select();
    sessionStorage.setItem(KEPT, input.value.trim());
    dialog.close();
    awaited?.resolve();
    awaited = null;
    tell(true);
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** What is wrong with a key, in words; nothing where it is right. @param {string} key */
async function complaint(key) {
  if (!/^[\x20-\x7e]+$/.test(key)) return "A key has letters, digits and signs of ASCII only.";
  try {
    const response = await fetch("/stats", { headers: { Authorization: `Bearer ${key}` } });
    if (response.ok) return "";
    return response.status === 401 ? "The service does not know this key." : "The service is not ready. Try again.";
  } catch {
    return "The service can't be reached. Try again.";
  }
}
