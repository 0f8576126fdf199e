"""Checks of accessibility: the rules of axe-core, and the order of the keyboard focus."""

from importlib.resources import files
from typing import NamedTuple

from playwright.sync_api import Page

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()


def findings(page: Page) -> list[str]:
    """Returns each serious or critical finding of axe-core with its element."""
    page.evaluate(AXE)
    violations = page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
    return [
        f"{violation['id']} ({violation['impact']}): {node['html'][:300]}: {node['failureSummary']}"
        for violation in violations
        for node in violation["nodes"]
        if violation["impact"] in {"serious", "critical"}
    ]


class Stop(NamedTuple):
    """An element that takes the focus."""

    name: str
    """Its tag and accessible name, shortened."""
    shown: bool
    """True if it has a size and is in the window."""
    marked: bool
    """True if it looks different with the focus than without."""


FOCUSED = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const name = at.getAttribute("aria-label") || at.labels?.[0]?.innerText || at.innerText || at.title || at.id;
  const {top, left, bottom, right, width, height} = at.getBoundingClientRect();
  const look = () => {
    const styles = [at, at.labels?.[0], at.closest("tr, li")].filter(Boolean).map((one) => getComputedStyle(one));
    return styles.map((s) => [s.outlineStyle, s.outlineWidth, s.boxShadow, s.borderColor, s.backgroundColor].join());
  };
  const focused = look().join();
  at.blur();
  const blurred = look().join();
  at.focus({preventScroll: true});
  return {
    name: `${at.tagName.toLowerCase()} ${(name ?? "").trim().split("\\n")[0].slice(0, 60)}`.trim(),
    shown: width > 0 && height > 0 && bottom > 0 && right > 0 && top < innerHeight && left < innerWidth,
    marked: focused !== blurred,
  };
}"""


def walk(page: Page, *, key: str = "Tab", most: int = 200) -> list[Stop]:
    """Returns the elements that take the focus, from top to end. Raises if the focus never leaves the page."""
    page.evaluate("document.activeElement?.blur()")
    stops: list[Stop] = []
    while len(stops) < most:
        page.keyboard.press(key)
        focused = page.evaluate(FOCUSED)
        if focused is None:
            return stops
        stops.append(Stop(**focused))
    raise AssertionError(f"no end after {most} stops: {[stop.name for stop in stops[-10:]]}")
