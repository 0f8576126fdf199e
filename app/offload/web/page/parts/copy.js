/**
 * A button that copies a text to the clipboard.
 */

import { h } from "./dom.js";

const CONFIRMATION_MS = 1500;

/**
 * @param {string} caption of the button
 * @param {() => string} text what it copies
 * @param {string} [label] the accessible name, if the caption alone does not say what is copied
 * @returns {HTMLElement}
 */
export function copyButton(caption, text, label) {
  const button = h("button", { type: "button", class: "quiet", "aria-label": label }, caption);
  const status = h("span", { class: "visually-hidden", role: "status" });
  button.addEventListener("click", async () => {
    const copied = await copy(text());
    button.textContent = copied ? "Copied" : "Can't copy";
    status.textContent = button.textContent;
    setTimeout(() => {
      button.textContent = caption;
      status.textContent = "";
    }, CONFIRMATION_MS);
  });
  return h("span", null, button, status);
}

/** @param {string} text */
async function copy(text) {
  if (navigator.clipboard)
    return navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
  // Browsers give pages without TLS no clipboard API, except on localhost.
  const area = h("textarea", { class: "visually-hidden" });
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}
