/**
 * Whether the page receives live events from the service, and a clock that stops while it does not.
 *
 * @typedef {{since: Date, reason: string}} Loss `reason` is empty if nothing more is known than that the connection
 *   failed
 */

/** A shorter interruption is not reported. */
const GRACE_MS = 1000;

/** @type {() => void} */
let opened = () => {};

/**
 * Resolves when events arrive for the first time: state that is loaded afterwards misses no change.
 * @type {Promise<void>}
 */
export const streamOpened = new Promise((resolve) => (opened = () => resolve(undefined)));

/** @type {Set<(loss: Loss | null) => void>} */
const listeners = new Set();
/** What has been reported. @type {Loss | null} */
let reported = null;
/** @type {Loss | null} */
let loss = null;
/** @type {number | undefined} */
let timer;
/** When the stream was lost, on the clock of `performance.now`; 0 while it is open. */
let lostAt = 0;

/**
 * Calls `listener` now and at each change: with null while events arrive, otherwise with what is known of the loss.
 * @param {(loss: Loss | null) => void} listener
 * @returns {() => void} stops it
 */
export function onConnection(listener) {
  listeners.add(listener);
  listener(reported);
  return () => listeners.delete(listener);
}

/** The time in milliseconds up to which the page's state is known: it stops while the connection is lost. */
export const liveTime = () => (lostAt > 0 ? lostAt : performance.now());

/** Notes that events arrive. */
export function connectionOpened() {
  opened();
  if (lostAt === 0) return;
  clearTimeout(timer);
  timer = undefined;
  lostAt = 0;
  loss = null;
  if (reported) report();
}

/** Notes that the stream of events ended or could not be opened. @param {string} reason empty if it is not known */
export function connectionFailed(reason) {
  if (loss === null) {
    lostAt = performance.now();
    loss = { since: new Date(), reason };
    timer = setTimeout(report, GRACE_MS);
  } else if (loss.reason !== reason) {
    loss = { ...loss, reason };
    if (reported) report();
  }
}

function report() {
  reported = loss;
  for (const listener of [...listeners]) listener(reported);
}

/**
 * Calls `act` each second while the page is visible and connected.
 * @param {() => void} act
 * @returns {() => void} stops it
 */
export function everySecond(act) {
  const interval = setInterval(() => document.hidden || lostAt > 0 || act(), 1000);
  return () => clearInterval(interval);
}
