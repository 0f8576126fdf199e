/**
 * The page: its head, and the view that the address names.
 */

import { view as batches } from "./batches/view.js";
import { startBanner } from "./banner.js";
import { h, setAttribute } from "./parts/dom.js";
import { acceptDrops } from "./files/drop.js";
import { take, view as files } from "./files/view.js";
import { view as job } from "./job/view.js";
import { view as jobs } from "./jobs/view.js";
import { keyButton } from "./service/key.js";
import { view as overview } from "./overview/view.js";
import { go, href, startRouting } from "./route.js";
import { view as submit } from "./submit/view.js";
import { themeChoice } from "./theme.js";

/** Those with a place in the navigation. */
const PLACES = [overview, jobs, batches, submit, files];

const [main, nav, tools] = ["main", "views", "tools"].map(
  (id) => /** @type {HTMLElement} */ (document.getElementById(id)),
);
const links = PLACES.map(({ name, title }) => ({ name, link: h("a", { href: href({ view: name }) }, title) }));
nav.append(h("ul", null, ...links.map(({ link }) => h("li", null, link))));
tools.append(keyButton(), themeChoice());

startBanner(/** @type {HTMLElement} */ (document.getElementById("banner")));
startRouting(main, [...PLACES, job], ({ name, title }, moved) => {
  document.title = `${title} · Offload`;
  const place = name === "job" ? "jobs" : name;
  for (const { name, link } of links) setAttribute(link, "aria-current", name === place ? "page" : null);
  if (moved) {
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }
});
acceptDrops((dropped, folders) => {
  go({ view: "files" });
  take(dropped, folders);
});
