/**
 * JSON that loses no digit: a number that JavaScript can't keep as it is stays the text that it was.
 */

/** A number as it is written. */
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
 * Reads JSON; a number that would be written differently afterwards, such as 18446744073709551615 or 1.0, becomes an
 * `Exact`.
 * @param {string} text
 * @returns {any}
 * @throws {SyntaxError} where it is no JSON, or where a browser from before 2025 would round a number in it
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
 * Writes JSON, in the order of the members; what is undefined is left out, as `JSON.stringify` does.
 * @param {any} value
 * @param {string} [indent] what each line begins with, where it is to be written on many; else it is written on one
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
 * True where both are the same JSON; the order of members doesn't count.
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
