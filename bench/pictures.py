"""The charts of the README, as SVG: bars, ours in colour, readable on a light and on a dark background.

`python -m bench.pictures RESULTS.json…` draws them from what earlier runs wrote.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from bench.contenders import OFFLOAD
from bench.figures import Figure, Results, read, together
from bench.table import number

DIRECTORY = Path("docs/pictures")

WIDTH, LABELS, VALUES = 760, 250, 76
ROW, GAP, HEADING = 34, 22, 36

STYLE = """
  text { font: 14px system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif; fill: #1f2328 }
  .heading { font-weight: 600; font-size: 15px } .note { font-size: 11px; fill: #59636e }
  .bar { fill: #afb8c1 } .ours { fill: #0969da } .range { stroke: #1f2328; stroke-opacity: .55; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .note { fill: #9198a1 }
    .bar { fill: #57606a } .ours { fill: #4493f8 } .range { stroke: #e6edf3 }
  }
"""


@dataclass(frozen=True, slots=True)
class Panel:
    """A heading and one figure of several contenders, on one scale."""

    heading: str
    metric: str
    figure: str
    all_ours: bool = False
    """True if every row is the service, in another situation."""


PICTURES = {
    "burst": [Panel("A burst of no-op jobs: jobs per second", "burst", "jobs/s")],
    "requests": [
        Panel("Submissions per second, 64 connections", "submit", "c=64 /s"),
        Panel("Polls of finished jobs per second, 64 connections", "poll", "finished /s"),
    ],
    "latency": [
        Panel("One job on an idle service, submission to known end: milliseconds", "idle", "polling p50 ms"),
        Panel("A light GET while every core is busy, 99th percentile: milliseconds", "light", "p99 ms"),
    ],
    "memory": [Panel("Resident memory of all processes, idle: MiB", "memory", "idle MiB")],
    "growth": [
        Panel("Submit, by number of existing jobs: milliseconds", "growth", "submit p50 ms", all_ours=True),
        Panel("Poll", "growth", "poll p50 ms", all_ours=True),
        Panel("List, the newest 100", "growth", "list p50 ms", all_ours=True),
    ],
}


def draw(results: Results, directory: Path) -> list[Path]:
    """Writes the pictures whose figures were measured."""
    directory.mkdir(parents=True, exist_ok=True)
    drawn = []
    for name, panels in PICTURES.items():
        measured = [panel for panel in panels if results.of(panel.metric, panel.figure)]
        if measured:
            path = directory / f"{name}.svg"
            path.write_text(picture(results, measured))
            drawn.append(path)
    return drawn


def picture(results: Results, panels: Sequence[Panel]) -> str:
    """Returns the panels, one below the other."""
    body, y = [], 0
    for panel in panels:
        figures = results.of(panel.metric, panel.figure)
        if not panel.all_ours:
            figures.sort(key=lambda figure: figure.median, reverse=figures[0].more_is_better)  # the best first
        better = "more" if figures[0].more_is_better else "less"
        note = f'<tspan class="note" dx="8">{better} is better</tspan>'
        body += [f'<text class="heading" x="0" y="{y + 18}">{escape(panel.heading)}{note}</text>']
        body += _bars(figures, results.keeps, y + HEADING, all_ours=panel.all_ours)
        y += HEADING + ROW * len(figures) + GAP
    title = "; ".join(panel.heading for panel in panels)
    size = f'width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">\n<title>{escape(title)}</title>'
    return "\n".join([head, f"<style>{STYLE}</style>", *body, "</svg>", ""])


def _bars(figures: Sequence[Figure], keeps: Mapping[str, str], top: int, *, all_ours: bool) -> Iterator[str]:
    room = WIDTH - LABELS - VALUES
    longest = max(figure.most for figure in figures)

    def x(value: float) -> float:
        return LABELS + room * value / longest

    for row, figure in enumerate(figures):
        y = top + row * ROW
        ours = all_ours or figure.contender.startswith(OFFLOAD.name)
        kept = keeps.get(figure.contender, "")
        name_y = y + (11 if kept else 16)
        yield f'<text x="{LABELS - 10}" y="{name_y}" text-anchor="end">{escape(figure.contender)}</text>'
        if kept:
            yield f'<text class="note" x="{LABELS - 10}" y="{y + 24}" text-anchor="end">{escape(kept)}</text>'
        width = max(x(figure.median) - LABELS, 1)
        yield f'<rect class="{"ours" if ours else "bar"}" x="{LABELS}" y="{y}" width="{width:.1f}" height="22" rx="3"/>'
        yield (
            f'<line class="range" x1="{x(figure.least):.1f}" y1="{y + 11}" x2="{x(figure.most):.1f}" y2="{y + 11}"/>'
        )
        yield f'<text x="{x(figure.most) + 8:.1f}" y="{y + 16}">{number(figure.median)}</text>'


def main() -> None:
    """Draws from files."""
    parser = argparse.ArgumentParser(prog="python -m bench.pictures", description=__doc__)
    parser.add_argument("results", type=Path, nargs="+", help="of a metric that several measured, the last counts")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="where they go (%(default)s)")
    options = parser.parse_args()
    for path in draw(together([read(each) for each in options.results]), options.directory):
        print(path)


if __name__ == "__main__":
    main()
