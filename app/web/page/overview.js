import { h } from "./dom.js";

export const view = { name: "overview", title: "Overview", show };

/** @param {HTMLElement} root */
function show(root) {
  root.replaceChildren(h("h2", null, "Overview"));
  return () => {};
}
