import { h } from "./dom.js";

export const view = { name: "job", title: "Job", show };

/** @param {HTMLElement} root */
function show(root) {
  root.replaceChildren(h("h2", null, "Job"));
  return () => {};
}
