/**
 * Files that are dragged onto the page, wherever.
 */

import { h } from "../parts/dom.js";

/**
 * @param {(files: File[], folders: number) => void} take is given what was dropped; folders are only counted
 */
export function acceptDrops(take) {
  const overlay = h("div", { class: "drop-overlay", hidden: true }, h("p", {}, "Drop to digest"));
  document.body.append(overlay);
  /** Each element on the way is entered before the one before it is left. */
  let depth = 0;
  /** @param {number} to */
  const deepen = (to) => {
    depth = to;
    overlay.hidden = depth <= 0;
  };
  /** @param {(event: DragEvent) => void} act */
  const withFiles = (act) => (/** @type {DragEvent} */ event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    act(event);
  };
  addEventListener(
    "dragenter",
    withFiles(() => deepen(depth + 1)),
  );
  addEventListener(
    "dragleave",
    withFiles(() => deepen(depth - 1)),
  );
  addEventListener(
    "dragover",
    withFiles((event) => {
      if (event.dataTransfer) event.dataTransfer.dropEffect = "copy";
    }),
  );
  addEventListener(
    "drop",
    withFiles((event) => {
      deepen(0);
      const items = [...(event.dataTransfer?.items ?? [])].filter(({ kind }) => kind === "file");
      const files = items.filter((item) => !item.webkitGetAsEntry()?.isDirectory).map((item) => item.getAsFile());
      const there = /** @type {File[]} */ (files.filter(Boolean));
      take(there, items.length - files.length);
    }),
  );
}
