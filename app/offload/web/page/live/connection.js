/**
 * Whether the service can be reached, and the time that goes on only while it can.
 */

/** A connection that is back so soon has not been missed. */
const BLIP_MS = 1000;

/** @type {() => void} */
let opened = () => {};

/** Changes are told from then on: what is loaded afterwards misses none. @type {Promise<void>} */
export const streaming = new Promise((resolve) => (opened = () => resolve(undefined)));

/** @type {Set<(lost: Date | null) => void>} */
const watchers = new Set();
/** @type {Date | null} */
let lost = null;
/** @type {number | undefined} */
let blip;
/** When the stream was lost, on the clock of `performance.now`; 0 while it is there. */
let lostAt = 0;

/**
 * Tells whether the service can be reached: null, or since when it can't.
 * @param {(lost: Date | null) => void} listener
 * @returns {() => void} ends that
 */
export function onConnection(listener) {
  watchers.add(listener);
  listener(lost);
  return () => watchers.delete(listener);
}

/** Milliseconds that go on only while the page knows what it shows: they stand still when the connection is lost. */
export const knownNow = () => (lostAt > 0 ? lostAt : performance.now());

/** Notes whether the stream of events is there. @param {boolean} isOpen */
export function connected(isOpen) {
  if (isOpen) {
    opened();
    if (lostAt === 0) return;
    clearTimeout(blip);
    blip = undefined;
    lostAt = 0;
    if (lost) tellConnection(null);
  } else if (lostAt === 0) {
    lostAt = performance.now();
    const since = new Date();
    blip = setTimeout(() => tellConnection(since), BLIP_MS);
  }
}

/** @param {Date | null} since */
function tellConnection(since) {
  lost = since;
  for (const watcher of [...watchers]) watcher(lost);
}

/**
 * Calls `act` each second while somebody looks and time goes on.
 * @param {() => void} act
 * @returns {() => void} ends that
 */
export function everySecond(act) {
  const timer = setInterval(() => document.hidden || lostAt > 0 || act(), 1000);
  return () => clearInterval(timer);
}
