/**
 * Says when what is shown is not live: since when, and that it is from then.
 */

import { onConnection } from "./live/connection.js";
import { h } from "./parts/dom.js";
import { when } from "./parts/format.js";
import { startStore } from "./live/jobs.js";

/** Opens the stream of events, and says in `place` whenever it is not there. @param {HTMLElement} place */
export function startBanner(place) {
  onConnection((lost) => {
    document.documentElement.classList.toggle("lost", lost !== null);
    place.replaceChildren();
    if (lost) {
      place.append(
        h("strong", null, "The connection is lost. "),
        `What is shown is from ${when(lost.toISOString())}. Trying to connect again…`,
      );
    }
  });
  startStore((problem) => {
    place.replaceChildren(h("strong", null, "Nothing is live here. "), problem.message);
  });
}
