"""Runs metrics. In each repeat every contender has its turn, in another order, so that none is always first."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.contenders import NotThereError
from bench.figures import Figure
from bench.stand import Stand


@dataclass(frozen=True, slots=True)
class Turn:
    """One contender's part of a metric. `measure` returns figures by name. A name ends with the unit."""

    contender: str
    measure: Callable[[], Awaitable[Mapping[str, float]]]


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric."""

    name: str
    what: str
    turns: Callable[[Stand], Sequence[Turn]]
    alone: bool = False
    """True if no other contender may run: the metric starts its own."""
    limit_s: float = 120.0
    """The time limit of one turn."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures, and a sentence for each turn that failed or was impossible."""

    figures: Sequence[Figure]
    remarks: Sequence[str]


async def run(metrics: Iterable[Metric], stand: Stand) -> Measured:
    """Measures all metrics. A failed turn is reported and does not stop the rest. If cancelled, keeps what it has."""
    figures: list[Figure] = []
    remarks: list[str] = []
    with stand:
        for metric in sorted(metrics, key=lambda each: each.alone):  # those that run alone come last
            if metric.alone:
                for contender in stand.contenders:
                    stand.end(contender.name)
            try:
                measured = await _repeat(metric, stand)
            except asyncio.CancelledError:
                remarks.append(f"ended before {metric.name} was measured, and what comes after it")
                break
            figures += measured.figures
            remarks += measured.remarks
    return Measured(figures, remarks)


async def _repeat(metric: Metric, stand: Stand) -> Measured:
    values: dict[tuple[str, str], list[float]] = {}
    remarks: dict[str, str] = {}
    turns = metric.turns(stand)
    for repeat in range(stand.sizes.repeats):
        first = repeat % len(turns)
        for turn in [*turns[first:], *turns[:first]]:
            if turn.contender in remarks:
                continue
            begin = time.perf_counter()
            try:
                async with asyncio.timeout(metric.limit_s):
                    measured = await turn.measure()
            except NotThereError as error:
                remarks[turn.contender] = f"{metric.name}, {turn.contender}: {error}"
                _say(remarks[turn.contender])
                continue
            except Exception as error:  # any fault of another program
                remarks[turn.contender] = f"{metric.name}, {turn.contender}: failed: {error!r}"
                _say(remarks[turn.contender])
                stand.end(turn.contender)  # its remaining work would disturb the others
                continue
            _say(f"{metric.name} {repeat + 1}: {turn.contender}, {time.perf_counter() - begin:.1f} s")
            for name, value in measured.items():
                values.setdefault((turn.contender, name), []).append(value)
    order = {turn.contender: place for place, turn in enumerate(turns)}
    keys = sorted(values, key=lambda key: order[key[0]])
    return Measured([Figure(metric.name, *key, tuple(values[key])) for key in keys], list(remarks.values()))


def _say(progress: str) -> None:
    print(f"  {progress}", file=sys.stderr, flush=True)
