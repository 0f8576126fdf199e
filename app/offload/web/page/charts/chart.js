/**
 * A chart with its caption, in the colours of the style sheet.
 */

import { h, setText } from "../parts/dom.js";
import uPlot from "../vendor/uplot/uPlot.esm.js";

/** @type {any} uPlot has no types for this */
export const Plot = uPlot;

const HEIGHT = 190;

/**
 * Makes a figure that is as wide as its container.
 * @param {string} title
 * @param {() => any} options of uPlot
 */
export function figure(title, options) {
  const plotElement = h("div", { class: "plot", role: "img" });
  const summary = h("p", { class: "plot-words" }, "\u00a0");
  const element = h(
    "figure",
    { class: "panel chart" },
    h("figcaption", null, h("strong", null, title), summary),
    plotElement,
  );
  /** @type {any} */
  let plot = null;
  const observer = new ResizeObserver(([{ contentRect }]) =>
    plot?.setSize({ width: Math.floor(contentRect.width), height: HEIGHT }),
  );
  observer.observe(plotElement);
  return {
    element,
    dispose: () => {
      observer.disconnect();
      plot?.destroy();
    },
    /**
     * @param {any} data
     * @param {boolean} rebuild true if the colours have changed
     * @param {string} text the data in words
     */
    draw(data, rebuild, text) {
      setText(summary, text);
      plotElement.setAttribute("aria-label", `${title}: ${text}`);
      if (plot && !rebuild) {
        plot.raw = data.raw;
        plot.setData(data.columns);
        return;
      }
      plot?.destroy();
      plot = new Plot({ width: plotElement.clientWidth, height: HEIGHT, ...options() }, data.columns, plotElement);
      plot.raw = data.raw;
    },
  };
}

/** Resolves a colour of the style sheet for a canvas. @param {string} name */
export function colour(name) {
  const probe = h("i", { hidden: true });
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** The options that all charts share: axes, and a cursor without zoom. */
export function chartBase() {
  const grid = { stroke: colour("line"), width: 1 };
  const axis = {
    stroke: colour("muted"),
    grid,
    ticks: { show: false },
    font: `12px ${getComputedStyle(document.body).fontFamily}`,
  };
  return {
    padding: [8, 28, 0, 0], // the right one fits half of a label such as "12:50 PM"
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    legend: { live: true },
    axis,
    time: {
      ...axis,
      size: 30,
      space: 70,
      values: (/** @type {any} */ _, /** @type {number[]} */ at) => at.map(clockTime),
    },
  };
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

/** @param {number | null} at seconds since the epoch */
export const clockTime = (at) => (at === null ? "" : CLOCK.format(at * 1000));
