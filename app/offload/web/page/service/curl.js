/**
 * A call of the service as a line for a shell.
 */

/**
 * @param {string} path with its query
 * @param {{method?: string, json?: string, keyed?: boolean}} [call] `keyed` where the service has keys: the line then
 *   names a variable that holds one, and never the key
 * @returns {string}
 */
export function curlLine(path, { method, json, keyed = false } = {}) {
  const words = ["curl"];
  if (method !== undefined && !(method === "POST" && json !== undefined)) words.push("-X", method);
  if (json !== undefined) words.push("--json", quoted(json));
  if (keyed) words.push("-H", '"Authorization: Bearer $OFFLOAD_API_KEY"');
  return [...words, quoted(location.origin + path)].join(" ");
}

/** One word of a POSIX shell. @param {string} text */
function quoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
