/**
 * A long table of which only the rows within the window are there, however long it is. All rows are equally high.
 */

import { h, keyedRows, setAttribute } from "./dom.js";

/** Rows that are ready above and below what can be seen. */
const SPARE = 12;

/**
 * @template Item
 * @param {HTMLTableElement} table which has its head already
 * @param {(item: Item) => string} keyOf
 * @param {(item: Item) => {element: HTMLElement, update: (item: Item) => void}} make
 * @param {(upto: number) => void} seen is told the number of the last row that is ready
 * @returns {{show: (items: Item[]) => void, dispose: () => void}} `show` in the next frame; `dispose` ends it
 */
export function windowedRows(table, keyOf, make, seen) {
  const [above, body, below] = [h("tbody", spacer), h("tbody"), h("tbody", spacer)];
  const [head, foot] = [gap(above), gap(below)];
  table.append(above, body, below);
  const rows = keyedRows(body, keyOf, make);
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
    if (items.length > 0 && body.childElementCount === 0) rows(items.slice(0, 1));
    height = body.firstElementChild?.getBoundingClientRect().height || height || 1;
    const top = above.getBoundingClientRect().top;
    const first = Math.max(0, Math.min(Math.floor(-top / height) - SPARE, items.length - SPARE));
    const upto = Math.min(items.length, Math.ceil((innerHeight - top) / height) + SPARE);
    rows(items.slice(first, upto));
    [...body.children].forEach((row, at) => setAttribute(row, "aria-rowindex", first + at + 2)); // the head is the first
    stretch(head, first * height);
    stretch(foot, (items.length - Math.max(first, upto)) * height);
    seen(upto);
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
  /** @type {HTMLElement} */ (cell.closest("tbody")).hidden = pixels <= 0;
}
