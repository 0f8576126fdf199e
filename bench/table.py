"""Formats a run as text: figures of each metric, goals, failed measurements."""

from collections.abc import Iterator

from bench.contenders import OFFLOAD
from bench.figures import Figure, Results, ratio
from bench.goals import Verdict, judge


def lines(results: Results) -> Iterator[str]:
    """Line by line."""
    yield ", ".join(f"{what} {value}" for what, value in results.machine.items())
    for metric in dict.fromkeys(figure.metric for figure in results.figures):
        yield ""
        yield f"{metric:42} {'median':>10}   {'range':23} {'Offload is':>10}"
        names = dict.fromkeys(figure.name for figure in results.figures if figure.metric == metric)
        for name in names:
            ours = results.find(metric, OFFLOAD.name, name)
            for figure in results.of(metric, name):
                yield f"  {f'{figure.contender}: {name}':40} {_row(figure, ours)}".rstrip()
    verdicts = judge(results)
    if verdicts:
        yield ""
        yield f"{'goals':42} {'bound':>10}   {'measured':>8}"
        yield from (_verdict(verdict) for verdict in verdicts)
    if results.remarks:
        yield ""
        yield from results.remarks


def number(value: float) -> str:
    """Three significant digits, and all digits of a large number."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _row(figure: Figure, ours: Figure | None) -> str:
    spread = f"{number(figure.least)} to {number(figure.most)}"
    beside = f"{ratio(ours, figure):.2f} x" if ours and ours is not figure else ""
    return f"{number(figure.median):>10}   {spread:23} {beside:>10}"


def _verdict(verdict: Verdict) -> str:
    goal = verdict.goal
    what = f"{goal.what} / {goal.against}" if goal.against else goal.what
    if verdict.value is None:
        return f"  {what:60} {goal.bound:>8}   not measured"
    return f"  {what:60} {goal.bound:>8}   {verdict.value:8.2f}   {'met' if verdict.met else 'MISSED'}"
