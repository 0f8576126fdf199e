/**
 * Accepts files that are dropped anywhere on the page.
 */

import { h } from "../parts/dom.js";

/**
 * @param {(files: File[], folders: number) => void} onDrop `folders` is the number of folders that were dropped
 */
export function acceptDrops(onDrop) {
  const overlay = h("div", { class: "drop-overlay", hidden: true }, h("p", {}, "Drop to digest"));
  document.body.append(overlay);
  /** The browser reports that an element is entered before it reports that the previous one is left. */
  let depth = 0;
  /** @param {number} newDepth */
  const setDepth = (newDepth) => {
    depth = newDepth;
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
    withFiles(() => setDepth(depth + 1)),
  );
  addEventListener(
    "dragleave",
    withFiles(() => setDepth(depth - 1)),
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
      setDepth(0);
      const items = [...(event.dataTransfer?.items ?? [])].filter(({ kind }) => kind === "file");
      const files = items.filter((item) => !item.webkitGetAsEntry()?.isDirectory).map((item) => item.getAsFile());
      onDrop(/** @type {File[]} */ (files.filter(Boolean)), items.length - files.length);
    }),
  );
}
