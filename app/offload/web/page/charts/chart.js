/**
 * A drawing with its caption, in the colours of the style sheet.
 */

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { h, setText } from "../parts/dom.js";

/** @type {any} uPlot has no types for this */
export const Plot = uPlot;

const HEIGHT = 190;

/**
 * A figure with its caption, as wide as there is room.
 * @param {string} title
 * @param {() => any} options of uPlot
 */
export function chart(title, options) {
  const place = h("div", { class: "plot", role: "img" });
  const words = h("p", { class: "plot-words" }, "\u00a0");
  const element = h("figure", { class: "panel chart" }, h("figcaption", null, h("strong", null, title), words), place);
  /** @type {any} */
  let plot = null;
  const observer = new ResizeObserver(([{ contentRect }]) =>
    plot?.setSize({ width: Math.floor(contentRect.width), height: HEIGHT }),
  );
  observer.observe(place);
  return {
    element,
    dispose: () => {
      observer.disconnect();
      plot?.destroy();
    },
    /** @param {any} data @param {boolean} anew where its colours have changed @param {string} told in words */
    draw(data, anew, told) {
      setText(words, told);
      place.setAttribute("aria-label", `${title}: ${told}`);
      if (plot && !anew) {
        plot.raw = data.raw;
        plot.setData(data.columns);
        return;
      }
      plot?.destroy();
      plot = new Plot({ width: place.clientWidth, height: HEIGHT, ...options() }, data.columns, place);
      plot.raw = data.raw;
    },
  };
}

/** A colour of the style sheet, as the canvas wants it. @param {string} name */
export function colour(name) {
  const probe = h("i", { hidden: true });
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** What both charts have: axes and a cursor without zoom. */
export function frame() {
  const grid = { stroke: colour("line"), width: 1 };
  const axis = {
    stroke: colour("muted"),
    grid,
    ticks: { show: false },
    font: `12px ${getComputedStyle(document.body).fontFamily}`,
  };
  return {
    padding: [8, 28, 0, 0], // at the right for half of a time such as "12:50 PM"
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    legend: { live: true },
    axis,
    time: { ...axis, size: 30, space: 70, values: (/** @type {any} */ _, /** @type {number[]} */ at) => at.map(clock) },
  };
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

/** @param {number | null} at seconds since the epoch */
export const clock = (at) => (at === null ? "" : CLOCK.format(at * 1000));
