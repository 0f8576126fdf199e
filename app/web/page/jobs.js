import { h } from "./dom.js";

export const view = { name: "jobs", title: "Jobs", show };

/** @param {HTMLElement} root */
function show(root) {
  root.replaceChildren(h("h2", null, "Jobs"));
  return () => {};
}
