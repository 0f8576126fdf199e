/**
 * A button that copies, and says that it has.
 */

import { h } from "./dom.js";

const SAID_MS = 1500;

/**
 * @param {string} words on the button
 * @param {() => string} text what it copies
 * @param {string} [label] for who can't see what stands beside it
 * @returns {HTMLElement}
 */
export function copyButton(words, text, label) {
  const button = h("button", { type: "button", class: "quiet", "aria-label": label }, words);
  const said = h("span", { class: "visually-hidden", role: "status" });
  button.addEventListener("click", async () => {
    const copied = await copy(text());
    button.textContent = copied ? "Copied" : "Can't copy";
    said.textContent = button.textContent;
    setTimeout(() => {
      button.textContent = words;
      said.textContent = "";
    }, SAID_MS);
  });
  return h("span", null, button, said);
}

/** @param {string} text */
async function copy(text) {
  if (navigator.clipboard)
    return navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
  // Without TLS, and not on this machine: browsers keep the clipboard from such pages, but for this old way.
  const area = h("textarea", { class: "visually-hidden" });
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}
