/**
 * Whether somebody looks at the page: a tab in the background is not seen.
 */

/** Waits until somebody does. @returns {Promise<void>} */
export async function seen() {
  while (document.hidden) {
    await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
  }
}

/**
 * Calls `act` whenever nobody has looked for so long.
 * @param {number} milliseconds
 * @param {() => void} act
 * @returns {() => void} ends that
 */
export function whenUnseen(milliseconds, act) {
  /** @type {number | undefined} */
  let timer;
  const begin = () => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(act, milliseconds);
  };
  document.addEventListener("visibilitychange", begin);
  begin();
  return () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", begin);
  };
}
