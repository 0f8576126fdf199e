/** A titled section with tools beside its title. */

import { h } from "./dom.js";

/** @param {string} id of the title @param {string} title @param {...HTMLElement} tools */
export const panelHead = (id, title, ...tools) => h("div", { class: "panel-head" }, h("h3", { id }, title), ...tools);

/** @param {string} id of the title @param {string} title @param {HTMLElement} content @param {...HTMLElement} tools */
export const panel = (id, title, content, ...tools) =>
  h("section", { class: "panel", "aria-labelledby": id }, panelHead(id, title, ...tools), content);
