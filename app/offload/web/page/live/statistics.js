/**
 * The service's statistics, requested as often as they may have changed.
 *
 * @typedef {any} Stats as `GET /stats` returns it
 */

import { readJson } from "../service/api.js";
import { onConnection } from "./connection.js";
import { onJobChanges } from "./jobs.js";

const STATS_MS = 1000;
const IDLE_STATS_MS = 5000;
const HIDDEN_STATS_MS = 30_000;

/**
 * Calls `onStats` each second, and less often while no job is live or the page is hidden.
 * @param {(stats: Stats) => void} onStats
 * @param {(error: Error) => void} [onError]
 * @returns {() => void} stops it
 */
export function watchStatistics(onStats, onError = () => {}) {
  let ended = false;
  let idle = false;
  let lost = false;
  /** @type {number | undefined} */
  let timer;
  const wake = () => {
    if (!idle || document.hidden) return;
    idle = false;
    schedule(0);
  };
  const visible = () => schedule(document.hidden ? HIDDEN_STATS_MS : 0);
  const endChanges = onJobChanges(wake, { deleted: wake });
  const endConnection = onConnection((loss) => {
    lost = loss !== null;
    if (!lost) schedule(0);
  });
  document.addEventListener("visibilitychange", visible);
  return () => {
    ended = true;
    clearTimeout(timer);
    endChanges();
    endConnection();
    document.removeEventListener("visibilitychange", visible);
  };

  /** @param {number} after */
  function schedule(after) {
    clearTimeout(timer);
    if (!ended) timer = setTimeout(load, after);
  }

  async function load() {
    if (lost) return; // the listener of the connection starts it again
    try {
      const stats = await readJson("/stats");
      if (ended) return;
      idle = stats.queue.size === 0 && stats.lanes.every((/** @type {any} */ lane) => lane.state === "idle");
      onStats(stats);
    } catch (error) {
      if (!ended) onError(/** @type {Error} */ (error));
    }
    schedule(document.hidden ? HIDDEN_STATS_MS : idle ? IDLE_STATS_MS : STATS_MS);
  }
}
