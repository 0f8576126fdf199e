/**
 * A request as a curl command line.
 */

import { PREFIX } from "./prefix.js";

/**
 * @param {string} path with its query
 * @param {{method?: string, json?: string, keyed?: boolean}} [call] `keyed` if the service has keys: the line then
 *   reads the key from a variable and never contains it
 * @returns {string}
 */
export function curlLine(path, { method, json, keyed = false } = {}) {
  const words = ["curl"];
  if (method !== undefined && !(method === "POST" && json !== undefined)) words.push("-X", method);
  if (json !== undefined) words.push("--json", quoted(json));
  if (keyed) words.push("-H", '"Authorization: Bearer $OFFLOAD_API_KEY"');
  return [...words, quoted(location.origin + PREFIX + path)].join(" ");
}

/** Quotes a word for a POSIX shell. @param {string} text */
function quoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
