/**
 * What is shown, in the address: `/?view=jobs&state=failed`. Reload, back, forward and a shared link keep it.
 *
 * A view is an object `{name, title, show}`. `show(root, params)` fills `root`, whose children are the view's own, and
 * answers a function that ends what it has going on; it is called before another view is shown.
 *
 * @typedef {Record<string, string | number | boolean | null | undefined | (string | number)[]>} Params
 * @typedef {{name: string, title: string, show: (root: HTMLElement, params: URLSearchParams) => () => void}} View
 */

/** What is shown where the address names no view. */
const FIRST = "overview";

/**
 * The address of a view; what is null, undefined or empty is left out.
 * @param {Params} params
 * @returns {string}
 */
export function href(params) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (name === "view" && value === FIRST) continue;
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== "") query.append(name, String(one));
    }
  }
  return query.size > 0 ? `/?${query}` : "/";
}

/** Shows a view, as if a link to it had been followed. @param {Params} params */
export function go(params) {
  history.pushState(null, "", href(params));
  dispatchEvent(new Event("route"));
}

/** Notes in the address what the view that is shown shows now: a filter that was changed. @param {Params} params */
export function keep(params) {
  if (href(params) !== location.pathname + location.search) history.replaceState(null, "", href(params));
}

/**
 * Shows the view that the address names, from now on.
 * @param {HTMLElement} root
 * @param {View[]} views
 * @param {(view: View, moved: boolean) => void} shown is told what is shown, and whether the reader went there just now
 */
export function startRouting(root, views, shown) {
  /** @type {() => void} */
  let dispose = () => {};

  /** @param {boolean} moved */
  function render(moved) {
    const params = new URLSearchParams(location.search);
    const name = params.get("view") ?? FIRST;
    const view = views.find((one) => one.name === name) ?? views[0];
    dispose();
    root.replaceChildren();
    dispose = view.show(root, params) ?? (() => {});
    shown(view, moved);
  }

  addEventListener("popstate", () => render(false));
  addEventListener("route", () => render(true));
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || event.defaultPrevented || event.button !== 0) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    if (link.target || link.download || link.origin !== location.origin || link.pathname !== "/" || link.hash) return;
    event.preventDefault();
    if (link.href !== location.href) history.pushState(null, "", link.href);
    render(true);
  });
  render(false);
}
