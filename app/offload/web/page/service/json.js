/**
 * JSON without rounding: a number that JavaScript can't represent exactly is kept as text.
 */

/** A number as it is written in JSON. */
export class Exact {
  /** @param {string} text a JSON number */
  constructor(text) {
    this.text = text;
  }

  toString() {
    return this.text;
  }
}

/**
 * Parses JSON. A number that JavaScript would write differently, such as 18446744073709551615 or 1.0, becomes an
 * `Exact`.
 * @param {string} text
 * @returns {any}
 * @throws {SyntaxError} if the text is not JSON, or if a browser from before 2025 would round a number in it
 */
export function parse(text) {
  return JSON.parse(text, /** @type {any} */ (exactly));
}

/** @param {string} _name @param {any} value @param {{source: string} | undefined} context */
function exactly(_name, value, context) {
  if (typeof value !== "number" || String(value) === context?.source) return value;
  if (context) return new Exact(context.source);
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) throw new SyntaxError("This browser rounds large numbers.");
  return value;
}

/**
 * Writes JSON in the order of the members and without undefined ones, as `JSON.stringify` does.
 * @param {any} value
 * @param {string} [indent] the start of each line; without it, the JSON is one line
 * @returns {string}
 */
export function write(value, indent) {
  if (value instanceof Exact) return value.text;
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  const inner = indent === undefined ? undefined : `${indent}  `;
  if (Array.isArray(value))
    return enclosed(
      "[",
      value.map((one) => write(one, inner)),
      "]",
      indent,
    );
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return enclosed(
    "{",
    members.map(([name, member]) => `${JSON.stringify(name)}: ${write(member, inner)}`),
    "}",
    indent,
  );
}

/** @param {string} open @param {string[]} parts @param {string} close @param {string} [indent] */
function enclosed(open, parts, close, indent) {
  if (indent === undefined || parts.length === 0) return `${open}${parts.join(", ")}${close}`;
  return `${open}\n${parts.map((part) => `${indent}  ${part}`).join(",\n")}\n${indent}${close}`;
}

/**
 * True if both are the same JSON. The order of members doesn't matter.
 * @param {any} one
 * @param {any} other
 */
export function same(one, other) {
  return write(sorted(one)) === write(sorted(other));
}

/** @param {any} value @returns {any} */
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object" || value instanceof Exact) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, sorted(value[name])]),
  );
}
