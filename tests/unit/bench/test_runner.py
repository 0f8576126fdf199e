"""Turns: who is measured when, and what becomes of those that fail."""

import asyncio
from collections.abc import Mapping
from functools import partial

import pytest

from bench.contenders import NotThereError
from bench.runner import Metric, Turn, run
from bench.stand import Sizes, Stand

pytestmark = pytest.mark.anyio


def metric(turns: list[Turn], *, name: str = "m", alone: bool = False, limit_s: float = 10) -> Metric:
    return Metric(name, "what is measured", lambda _: turns, alone=alone, limit_s=limit_s)


def stand(repeats: int) -> Stand:
    return Stand(Sizes(repeats=repeats))


async def test_each_repeat_begins_with_another_contender() -> None:
    order: list[str] = []

    async def note(name: str) -> Mapping[str, float]:
        order.append(name)
        return {"s": len(order)}

    turns = [Turn(name, partial(note, name)) for name in "abc"]
    measured = await run([metric(turns)], stand(4))
    assert "".join(order) == "abcbcacababc"
    assert [(figure.contender, figure.values) for figure in measured.figures] == [
        ("a", (1, 6, 8, 10)),
        ("b", (2, 4, 9, 11)),
        ("c", (3, 5, 7, 12)),
    ]


async def test_what_fails_is_told_once_and_stops_nobody_else() -> None:
    calls: list[str] = []

    async def works() -> Mapping[str, float]:
        return {"s": 1}

    async def fails() -> Mapping[str, float]:
        calls.append("failed")
        raise ConnectionError("it hung up")

    async def is_missing() -> Mapping[str, float]:
        raise NotThereError("no such route")

    measured = await run([metric([Turn("a", fails), Turn("b", is_missing), Turn("c", works)])], stand(3))
    assert calls == ["failed"]
    assert [(figure.contender, figure.values) for figure in measured.figures] == [("c", (1, 1, 1))]
    assert measured.remarks == ["m, a: failed: ConnectionError('it hung up')", "m, b: no such route"]


async def test_what_takes_too_long_is_told() -> None:
    async def hangs() -> Mapping[str, float]:
        await asyncio.Event().wait()
        return {}

    measured = await run([metric([Turn("a", hangs)], limit_s=0.01)], stand(1))
    assert measured.remarks == ["m, a: failed: TimeoutError()"]


async def test_what_needs_quiet_is_measured_last() -> None:
    order: list[str] = []

    async def note(name: str) -> Mapping[str, float]:
        order.append(name)
        return {}

    first = metric([Turn("x", partial(note, "alone"))], alone=True)
    await run([first, metric([Turn("x", partial(note, "beside"))])], stand(1))
    assert order == ["beside", "alone"]


async def test_who_ends_it_early_is_told_what_there_is_by_then() -> None:
    begun = asyncio.Event()

    async def works() -> Mapping[str, float]:
        return {"s": 1}

    async def hangs() -> Mapping[str, float]:
        begun.set()
        await asyncio.Event().wait()
        return {}

    metrics = [metric([Turn("a", each)], name=each.__name__) for each in (works, hangs)]
    running = asyncio.create_task(run(metrics, stand(1)))
    await begun.wait()
    running.cancel()
    measured = await running
    assert [figure.metric for figure in measured.figures] == ["works"]
    assert measured.remarks == ["ended before hangs was measured, and what comes after it"]
