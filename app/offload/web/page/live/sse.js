/**
 * Server-sent events as WHATWG's HTML standard frames them. EventSource would do, but can't send a key.
 *
 * @typedef {{event: string, data: string, id: string | null}} Frame `event` "" for a ping or an id alone
 */

/**
 * @param {ReadableStream<Uint8Array>} body
 * @returns {AsyncGenerator<Frame>}
 */
export async function* frames(body) {
  const reader = body.pipeThrough(/** @type {any} */ (new TextDecoderStream())).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const parts = (rest + value).split(/\r?\n\r?\n/);
      rest = parts.pop() ?? "";
      for (const part of parts) yield frame(part);
    }
  } finally {
    reader.cancel().catch(() => {}); // it may have failed, which the reader was told
  }
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
