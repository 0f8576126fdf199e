/**
 * The service's statistics, asked for as often as they are of use.
 *
 * @typedef {any} Stats as `GET /stats` answers it
 */

import { readJson } from "../service/api.js";
import { onConnection } from "./connection.js";
import { onJobs } from "./jobs.js";

const STATS_MS = 1000;
const IDLE_STATS_MS = 5000;
const HIDDEN_STATS_MS = 30_000;

/**
 * Calls `tell` with the service's statistics each second, and less often where nothing happens or nobody looks.
 * @param {(stats: Stats) => void} tell
 * @param {(problem: Error) => void} [failed]
 * @returns {() => void} ends that
 */
export function watchStats(tell, failed = () => {}) {
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
  const end = onJobs(wake, { deleted: wake });
  const stopWatching = onConnection((since) => {
    lost = since !== null;
    if (!lost) schedule(0);
  });
  document.addEventListener("visibilitychange", visible);
  return () => {
    ended = true;
    clearTimeout(timer);
    end();
    stopWatching();
    document.removeEventListener("visibilitychange", visible);
  };

  /** @param {number} after */
  function schedule(after) {
    clearTimeout(timer);
    if (!ended) timer = setTimeout(load, after);
  }

  async function load() {
    if (lost) return; // it begins again with the connection
    try {
      const stats = await readJson("/stats");
      if (ended) return;
      idle = stats.queue.size === 0 && stats.lanes.every((/** @type {any} */ lane) => lane.state === "idle");
      tell(stats);
    } catch (error) {
      if (!ended) failed(/** @type {Error} */ (error));
    }
    schedule(document.hidden ? HIDDEN_STATS_MS : idle ? IDLE_STATS_MS : STATS_MS);
  }
}
