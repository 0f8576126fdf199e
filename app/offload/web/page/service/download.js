/**
 * A file that the service answers, kept on the reader's disk. A link can't send a key, so the page fetches it.
 */

import { readBlob } from "./api.js";
import { h } from "../parts/dom.js";

/**
 * @param {string} path of the service
 * @param {string} name of the file
 * @throws {import("./api.js").ApiProblem} where the service refuses it
 */
export async function download(path, name) {
  const address = URL.createObjectURL(await readBlob(path));
  h("a", { href: address, download: name }).click();
  URL.revokeObjectURL(address);
}
