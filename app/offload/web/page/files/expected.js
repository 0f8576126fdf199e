/**
 * Parses expected digests as users paste them: a single digest, or lines of a manifest such as SHA256SUMS.
 *
 * @typedef {Record<string, number>} Lengths the number of hex digits of a digest, by algorithm
 */

const ENTRY = /^\\?([0-9a-fA-F]{8,})(?: [ *](.+))?$/;
const TAGGED = /^([A-Za-z0-9-]+)(?:: *| \((.+)\) = )([0-9a-fA-F]{8,})$/;

/**
 * Returns the lengths of digests from the schema of `file-digest`.
 * @param {any} params the JSON Schema of its parameters
 * @returns {Lengths}
 */
export function lengthsOf(params) {
  const forms = params.properties.expected.anyOf ?? [params.properties.expected];
  const { properties = {} } = forms.find((/** @type {any} */ one) => one.properties) ?? {};
  return Object.fromEntries(
    Object.entries(properties).map(([name, { pattern }]) => [name, Number(/\{(\d+)\}/.exec(pattern)?.[1])]),
  );
}

/**
 * Returns the digests that are expected for a file.
 * @param {string} text as pasted
 * @param {string} name of the file
 * @param {string[]} chosen the algorithms that will be computed: they decide if a digest may be of several algorithms
 * @param {Lengths} lengths
 * @returns {Record<string, string> | null} digests by algorithm; null if the text has none for this file
 * @throws {Error} if a line is not a digest, or its algorithm is unknown or ambiguous
 */
export function expectedOf(text, name, chosen, lengths) {
  /** @type {Record<string, string>} */
  const found = {};
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    const [algorithm, digest, file] = read(line.trim(), chosen, lengths);
    if (file === undefined || file.split("/").at(-1) === name) found[algorithm] = digest;
  }
  return Object.keys(found).length > 0 ? found : null;
}

/**
 * @param {string} line
 * @param {string[]} chosen
 * @param {Lengths} lengths
 * @returns {[string, string, string | undefined]}
 */
function read(line, chosen, lengths) {
  const tagged = TAGGED.exec(line);
  if (tagged) {
    const algorithm = Object.keys(lengths).find((name) => name === tagged[1].toLowerCase());
    if (!algorithm) throw new Error(`Unknown algorithm ${tagged[1]}.`);
    return [algorithm, tagged[3].toLowerCase(), tagged[2]];
  }
  const entry = ENTRY.exec(line);
  if (!entry) throw new Error("Paste a digest in hex, or the output of sha256sum.");
  const [, digest, file] = entry;
  const possible = Object.keys(lengths).filter((name) => lengths[name] === digest.length);
  if (possible.length === 0) throw new Error(`No algorithm has digests of ${digest.length} hex digits.`);
  const possibleAndChosen = possible.filter((name) => chosen.includes(name));
  const candidates = possibleAndChosen.length > 0 ? possibleAndChosen : possible;
  const [algorithm] = candidates;
  if (candidates.length > 1) {
    throw new Error(
      `This digest may be ${candidates.join(" or ")}. Write the algorithm before it, for example ${algorithm}:`,
    );
  }
  return [algorithm, digest.toLowerCase(), file];
}
