/**
 * Makes and updates elements. Strings are always inserted as text, never parsed as HTML.
 */

/**
 * Makes an element.
 * @param {string} tag
 * @param {Record<string, any> | null} [props] attributes: true means present; null, undefined and
 *   false mean absent; a function named "on…" is a listener of that event
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {any}
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else setAttribute(element, name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/**
 * Sets an attribute, or removes it, unless it is so already. @param {Element} element @param {string} name @param {any}
 * value
 */
export function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== (value === true ? "" : String(value))) {
    element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** Sets an element's text unless it is the same. @param {Element} element @param {string} text */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Keeps one row for each item of a list, in the list's order. A row is made once and then updated in place.
 * @template Item
 * @param {Element} parent its children are the rows and nothing else
 * @param {(item: Item) => string} keyOf
 * @param {(item: Item) => {element: Element, update: (item: Item) => void}} make
 * @returns {(items: Item[]) => void} updates the rows
 */
export function keyedRows(parent, keyOf, make) {
  /** @type {Map<string, {element: Element, update: (item: Item) => void}>} */
  const rows = new Map();
  return (items) => {
    const wanted = new Set(items.map(keyOf));
    for (const [key, { element }] of rows) {
      if (!wanted.has(key)) {
        element.remove();
        rows.delete(key);
      }
    }
    let next = parent.firstElementChild;
    for (const item of items) {
      const key = keyOf(item);
      let row = rows.get(key);
      if (!row) rows.set(key, (row = make(item)));
      if (row.element === next) next = next.nextElementSibling;
      else parent.insertBefore(row.element, next);
      row.update(item);
    }
  };
}
