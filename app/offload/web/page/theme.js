/**
 * Light, dark, or as the system has it: a choice kept in this browser.
 */

import { h } from "./parts/dom.js";

const KEPT = "offload-theme";
const CHOICES = { system: "System", light: "Light", dark: "Dark" };

const chosen = () => localStorage.getItem(KEPT) ?? "system";

function apply() {
  const theme = chosen();
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  dispatchEvent(new Event("theme"));
}

/** The choice, as a control. @returns {HTMLElement} */
export function themeChoice() {
  const options = Object.entries(CHOICES).map(([value, words]) =>
    h("option", { value, selected: value === chosen() }, words),
  );
  const select = h("select", { "aria-label": "Theme", class: "quiet-select" }, ...options);
  select.addEventListener("change", () => {
    localStorage.setItem(KEPT, select.value);
    apply();
  });
  return select;
}

/** Calls a listener at each change of the colours. @param {() => void} listener @returns {() => void} ends that */
export function onTheme(listener) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", listener);
  addEventListener("theme", listener);
  return () => {
    system.removeEventListener("change", listener);
    removeEventListener("theme", listener);
  };
}

apply();
