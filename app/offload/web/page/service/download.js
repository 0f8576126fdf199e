/**
 * Saves a response as a file. The page requests it, because a plain link can't send a key.
 */

import { h } from "../parts/dom.js";
import { readBlob } from "./api.js";

/**
 * @param {string} path
 * @param {string} name of the file
 * @throws {Error} as `request` does
 */
export async function download(path, name) {
  const address = URL.createObjectURL(await readBlob(path));
  h("a", { href: address, download: name }).click();
  URL.revokeObjectURL(address);
}
