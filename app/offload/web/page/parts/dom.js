/**
 * Elements, made and kept in step with data. Text is always text: nothing here reads markup.
 */

/**
 * Makes an element.
 * @param {string} tag
 * @param {Record<string, any> | null} [props] attributes, where true means present and null, undefined and false absent;
 *   a function under "on…" listens to that event
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
 * Touches an element's attribute only where it changes. @param {Element} element @param {string} name @param {any} value
 */
export function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== (value === true ? "" : String(value))) {
    element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** Touches an element's text only where it changes. @param {Element} element @param {string} text */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Rows that follow a list: one for each item, made once, updated in place, in the list's order.
 * @template Item
 * @param {Element} parent all of whose children are these rows
 * @param {(item: Item) => string} keyOf
 * @param {(item: Item) => {element: Element, update: (item: Item) => void}} make
 * @returns {(items: Item[]) => void} brings the rows up to date
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
