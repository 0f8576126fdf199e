/**
 * A parser of server-sent events, by the WHATWG HTML standard. The browser's EventSource can't send a key.
 *
 * @typedef {{event: string, data: string, id: string | null}} Frame `event` is "" for a ping and for an id without an
 *   event
 */

import { CONNECTION_LOST } from "../service/errors.js";

/**
 * @param {ReadableStream<Uint8Array>} body
 * @returns {AsyncGenerator<Frame>}
 */
export async function* frames(body) {
  const reader = body.pipeThrough(/** @type {any} */ (new TextDecoderStream())).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read().catch(lost);
      if (done) return;
      const parts = (rest + value).split(/\r?\n\r?\n/);
      rest = parts.pop() ?? "";
      for (const part of parts) yield frame(part);
    }
  } finally {
    reader.cancel().catch(() => {}); // the stream may have failed already, which `read` has thrown
  }
}

/** @param {unknown} cause @returns {never} */
function lost(cause) {
  throw new Error(CONNECTION_LOST, { cause });
}

/** @param {string} text @returns {Frame} */
function frame(text) {
  /** @type {string[]} */
  const data = [];
  let event = "";
  let id = null;
  for (const line of text.split(/\r?\n/)) {
    const [, name, value] = /^(\w+): ?(.*)$/s.exec(line) ?? [];
    if (name === "event") event = value;
    else if (name === "data") data.push(value);
    else if (name === "id") id = value;
  }
  return { event, data: data.join("\n"), id };
}
