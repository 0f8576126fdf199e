/**
 * What somebody expects a file's digest to be, as it is pasted: a digest alone, or lines of a SHA256SUMS.
 *
 * @typedef {Record<string, number>} Lengths each algorithm with the hex digits of its digests
 */

const ENTRY = /^\\?([0-9a-fA-F]{8,})(?: [ *](.+))?$/;
const TAGGED = /^([A-Za-z0-9-]+)(?:: *| \((.+)\) = )([0-9a-fA-F]{8,})$/;

/**
 * The lengths of digests, out of the schema of `file-digest`.
 * @param {any} params its parameters' schema
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
 * What is expected of a file of this name.
 * @param {string} text as pasted
 * @param {string} name the file's
 * @param {string[]} chosen algorithms that are computed: a digest that may be of several is of one of these
 * @param {Lengths} lengths
 * @returns {Record<string, string> | null} algorithms with digests; null where nothing is said of this file
 * @throws {Error} where a line is no digest, or it can't be told of which algorithm
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

/** @param {string} line @param {string[]} chosen @param {Lengths} lengths @returns {[string, string, string | undefined]} */
function read(line, chosen, lengths) {
  const tagged = TAGGED.exec(line);
  if (tagged) {
    const algorithm = Object.keys(lengths).find((one) => one === tagged[1].toLowerCase());
    if (!algorithm) throw new Error(`There is no algorithm ${tagged[1]}.`);
    return [algorithm, tagged[3].toLowerCase(), tagged[2]];
  }
  const entry = ENTRY.exec(line);
  if (!entry) throw new Error("Paste a digest in hex, or lines as sha256sum prints them.");
  const [, digest, file] = entry;
  const fitting = Object.keys(lengths).filter((one) => lengths[one] === digest.length);
  if (fitting.length === 0) throw new Error(`No algorithm has digests of ${digest.length} hex digits.`);
  const chosenOnes = fitting.filter((one) => chosen.includes(one));
  const meant = chosenOnes.length > 0 ? chosenOnes : fitting;
  const [algorithm] = meant;
  if (meant.length > 1) {
    throw new Error(`This may be ${meant.join(" or ")}: write, for instance, ${algorithm}: before it.`);
  }
  return [algorithm, digest.toLowerCase(), file];
}
