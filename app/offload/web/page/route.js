/**
 * The view and its parameters are part of the address, such as `/?view=jobs&state=failed`, so that a reload, the
 * history and a shared link keep them.
 *
 * A view is an object `{name, title, show}`. `show(root, params)` fills `root`, which is empty and belongs to the view,
 * and returns a function that stops its timers and listeners. That function is called before another view is shown.
 *
 * @typedef {Record<string, string | number | boolean | null | undefined | (string | number)[]>} Params
 * @typedef {{name: string, title: string, show: (root: HTMLElement, params: URLSearchParams) => () => void}} View
 */

import { PREFIX } from "./service/prefix.js";

/** The view if the address names none. */
const DEFAULT_VIEW = "overview";

/**
 * Returns a query. Parameters that are null, undefined or empty are left out.
 * @param {Params} params
 * @returns {URLSearchParams}
 */
export function queryOf(params) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item !== null && item !== undefined && item !== "") query.append(name, String(item));
    }
  }
  return query;
}

/** Returns the address of a view. @param {Params} params */
export function href({ view, ...params }) {
  const query = queryOf({ view: view === DEFAULT_VIEW ? null : view, ...params });
  return query.size > 0 ? `${PREFIX}/?${query}` : `${PREFIX}/`;
}

/** Shows a view, as a click on a link to it does. @param {Params} params */
export function navigate(params) {
  history.pushState(null, "", href(params));
  dispatchEvent(new Event("route"));
}

/**
 * Changes the parameters of the present view in the address, for example after a change of a filter.
 * @param {Params} params
 */
export function replaceParams(params) {
  if (href(params) !== location.pathname + location.search) history.replaceState(null, "", href(params));
}

/**
 * Shows the view that the address names, now and whenever it changes.
 * @param {HTMLElement} root
 * @param {View[]} views
 * @param {(view: View, moved: boolean) => void} onShown `moved` is true if the user followed a link
 */
export function startRouting(root, views, onShown) {
  /** @type {() => void} */
  let dispose = () => {};

  /** @param {boolean} moved */
  function render(moved) {
    const params = new URLSearchParams(location.search);
    const name = params.get("view") ?? DEFAULT_VIEW;
    const view = views.find((view) => view.name === name) ?? views[0];
    dispose();
    root.replaceChildren();
    dispose = view.show(root, params) ?? (() => {});
    onShown(view, moved);
  }

  addEventListener("popstate", () => render(false));
  addEventListener("route", () => render(true));
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || event.defaultPrevented || event.button !== 0) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    if (link.target || link.download || link.hash) return;
    if (link.origin !== location.origin || link.pathname !== `${PREFIX}/`) return;
    event.preventDefault();
    if (link.href !== location.href) history.pushState(null, "", link.href);
    render(true);
  });
  render(false);
}
