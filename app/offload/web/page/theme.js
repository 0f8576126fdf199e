/**
 * The theme: light, dark or the system's, kept in the browser's local storage.
 */

import { h } from "./parts/dom.js";

const STORAGE_NAME = "offload-theme";
const CHOICES = { system: "System", light: "Light", dark: "Dark" };

const chosen = () => localStorage.getItem(STORAGE_NAME) ?? "system";

function apply() {
  const theme = chosen();
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  dispatchEvent(new Event("theme"));
}

/** Makes the control that chooses the theme. @returns {HTMLElement} */
export function themeChoice() {
  const options = Object.entries(CHOICES).map(([value, label]) =>
    h("option", { value, selected: value === chosen() }, label),
  );
  const select = h("select", { "aria-label": "Theme", class: "quiet-select" }, ...options);
  select.addEventListener("change", () => {
    localStorage.setItem(STORAGE_NAME, select.value);
    apply();
  });
  return select;
}

/** Calls a listener at each change of the colours. @param {() => void} listener @returns {() => void} stops it */
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
