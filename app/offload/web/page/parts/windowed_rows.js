/**
 * A table of any length that has elements only for the rows in and near the window. All rows have the same height.
 */

import { h, setAttribute } from "./dom.js";

/** Rows that are kept above and below the visible ones. */
const EXTRA = 12;

/**
 * @template Item
 * @param {HTMLTableElement} table with its head
 * @param {(item: Item) => string} keyOf
 * @param {() => {element: HTMLElement, update: (item: Item) => void}} make makes a row that can show any item
 * @param {(end: number) => void} onRendered is called with the index after the last row that has an element
 * @returns {{show: (items: Item[]) => void, dispose: () => void}} `show` renders in the next frame; `dispose` stops it
 */
export function windowedRows(table, keyOf, make, onRendered) {
  const [above, body, below] = [h("tbody", spacer), h("tbody"), h("tbody", spacer)];
  const [topSpacer, bottomSpacer] = [spacerCell(above), spacerCell(below)];
  table.append(above, body, below);
  /** @type {Map<string, ReturnType<typeof make>>} */
  let rows = new Map();
  /** @type {Item[]} */
  let items = [];
  let height = 0;
  let frame = 0;

  const schedule = () => {
    if (frame === 0) frame = requestAnimationFrame(render);
  };
  addEventListener("scroll", schedule, { passive: true });
  addEventListener("resize", schedule);
  return {
    show(all) {
      items = all;
      schedule();
    },
    dispose() {
      cancelAnimationFrame(frame);
      removeEventListener("scroll", schedule);
      removeEventListener("resize", schedule);
    },
  };

  function render() {
    frame = 0;
    if (rows.size === 0) fill(items.slice(0, 1));
    height = body.firstElementChild?.getBoundingClientRect().height || height || 1;
    const top = above.getBoundingClientRect().top;
    const first = Math.max(0, Math.min(Math.floor(-top / height) - EXTRA, items.length - EXTRA));
    const end = Math.min(items.length, Math.ceil((innerHeight - top) / height) + EXTRA);
    fill(items.slice(first, end));
    [...body.children].forEach((row, at) => setAttribute(row, "aria-rowindex", first + at + 2)); // row 1 is the head
    stretch(topSpacer, first * height);
    stretch(bottomSpacer, (items.length - Math.max(first, end)) * height);
    onRendered(end);
  }

  /** Shows these items and reuses rows of others, which takes half the time of new rows. @param {Item[]} wanted */
  function fill(wanted) {
    /** @type {typeof rows} */
    const filled = new Map();
    const keys = new Set(wanted.map(keyOf));
    const free = [...rows].filter(([key]) => !keys.has(key)).map(([, row]) => row);
    for (const row of free) row.element.remove(); // else the focus would move to another item
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
function spacerCell(body) {
  const cell = h("td", null);
  body.append(h("tr", null, cell));
  return cell;
}

/** @param {HTMLElement} cell @param {number} pixels */
function stretch(cell, pixels) {
  const height = `${pixels}px`;
  if (cell.style.height !== height) cell.style.height = height;
}
