/**
 * The page's header and banner, and the view that the address names.
 */

import { view as batches } from "./batches/view.js";
import { acceptDrops } from "./files/drop.js";
import { addFiles, view as files } from "./files/view.js";
import { view as job } from "./job/view.js";
import { view as jobs } from "./jobs/view.js";
import { onConnection } from "./live/connection.js";
import { startJobEvents } from "./live/jobs.js";
import { view as overview } from "./overview/view.js";
import { h, setAttribute } from "./parts/dom.js";
import { timeOf } from "./parts/format.js";
import { href, navigate, startRouting } from "./route.js";
import { keyButton } from "./service/key.js";
import { view as submit } from "./submit/view.js";
import { themeChoice } from "./theme.js";

const NAVIGATION = [overview, jobs, batches, submit, files];

const [main, nav, tools, banner] = ["main", "views", "tools", "banner"].map(
  (id) => /** @type {HTMLElement} */ (document.getElementById(id)),
);

const links = NAVIGATION.map(({ name, title }) => ({ name, link: h("a", { href: href({ view: name }) }, title) }));
nav.append(h("ul", null, ...links.map(({ link }) => h("li", null, link))));
tools.append(keyButton(), themeChoice());

onConnection((loss) => {
  document.documentElement.classList.toggle("lost", loss !== null);
  if (!loss) return banner.replaceChildren();
  const from = `The page shows the state at ${timeOf(loss.since.toISOString())}.`;
  const text = [from, loss.reason, "Reconnecting…"].filter(Boolean).join(" ");
  banner.replaceChildren(h("strong", null, "The connection is lost. "), text);
});
startJobEvents((error) => banner.replaceChildren(h("strong", null, "No live updates. "), error.message));

startRouting(main, [...NAVIGATION, job], ({ name, title }, moved) => {
  document.title = `${title} · Offload`;
  const current = name === "job" ? "jobs" : name;
  for (const { name, link } of links) setAttribute(link, "aria-current", name === current ? "page" : null);
  if (moved) {
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }
});
acceptDrops((dropped, folders) => {
  navigate({ view: "files" });
  addFiles(dropped, folders);
});
