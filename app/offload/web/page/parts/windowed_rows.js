/**
 * A long table of which only the rows within the window are there, however long it is. All rows are equally high.
 */

import { h, setAttribute } from "./dom.js";

/** Rows that are ready above and below what can be seen. */
const SPARE = 12;

/**
 * @template Item
 * @param {HTMLTableElement} table which has its head already
 * @param {(item: Item) => string} keyOf
 * @param {() => {element: HTMLElement, update: (item: Item) => void}} make makes a row that can show any item in turn
 * @param {(upto: number) => void} seen is told the number of the last row that is ready
 * @returns {{show: (items: Item[]) => void, dispose: () => void}} `show` in the next frame; `dispose` ends it
 */
export function windowedRows(table, keyOf, make, seen) {
  const [above, body, below] = [h("tbody", spacer), h("tbody"), h("tbody", spacer)];
  const [head, foot] = [gap(above), gap(below)];
  table.append(above, body, below);
  /** @type {Map<string, ReturnType<typeof make>>} */
  let rows = new Map();
  /** @type {Item[]} */
  let items = [];
  let height = 0;
  let frame = 0;

  const soon = () => {
    if (frame === 0) frame = requestAnimationFrame(render);
  };
  addEventListener("scroll", soon, { passive: true });
  addEventListener("resize", soon);
  return {
    show(all) {
      items = all;
      soon();
    },
    dispose() {
      cancelAnimationFrame(frame);
      removeEventListener("scroll", soon);
      removeEventListener("resize", soon);
    },
  };

  function render() {
    frame = 0;
    if (rows.size === 0) fill(items.slice(0, 1));
    height = body.firstElementChild?.getBoundingClientRect().height || height || 1;
    const top = above.getBoundingClientRect().top;
    const first = Math.max(0, Math.min(Math.floor(-top / height) - SPARE, items.length - SPARE));
    const upto = Math.min(items.length, Math.ceil((innerHeight - top) / height) + SPARE);
    fill(items.slice(first, upto));
    [...body.children].forEach((row, at) => setAttribute(row, "aria-rowindex", first + at + 2)); // the head is the first
    stretch(head, first * height);
    stretch(foot, (items.length - Math.max(first, upto)) * height);
    seen(upto);
  }

  /** Shows these, in rows that showed others before where there are any: that is half the work of new ones. @param {Item[]} wanted */
  function fill(wanted) {
    /** @type {typeof rows} */
    const filled = new Map();
    const keys = new Set(wanted.map(keyOf));
    const free = [...rows].filter(([key]) => !keys.has(key)).map(([, row]) => row);
    for (const row of free) row.element.remove(); // who has the focus loses it, rather than have it on something else
    let next = body.firstElementChild;
    for (const item of wanted) {
      const key = keyOf(item);
      const row = rows.get(key) ?? free.pop() ?? make();
      filled.set(key, row);
      row.update(item);
      if (row.element === next) next = next.nextElementSibling;
      else body.insertBefore(row.element, next);
    }
    rows = filled;
  }
}

const spacer = { "aria-hidden": "true", class: "spacer" };

/** @param {HTMLElement} body */
function gap(body) {
  const cell = h("td", null);
  body.append(h("tr", null, cell));
  return cell;
}

/** @param {HTMLElement} cell @param {number} pixels */
function stretch(cell, pixels) {
  const height = `${pixels}px`;
  if (cell.style.height !== height) cell.style.height = height;
}
