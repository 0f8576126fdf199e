"""Background work that fails is started again, and is reported meanwhile."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest
from structlog.testing import capture_logs

from offload import supervision
from offload.supervision import Supervisor
from tests.support.waiting import until

pytestmark = pytest.mark.anyio


class NotAnExceptionError(BaseException):
    """What a library may raise that is written in another language: no `Exception`, and no wish to end the process."""


@asynccontextmanager
async def supervised(work: supervision.Work) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor()
    task = supervisor.start("the work", work)
    try:
        yield supervisor
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def failing(*errors: BaseException) -> tuple[supervision.Work, asyncio.Event]:
    """Work that raises each of these errors once, and then runs until it is cancelled; an event that it runs."""
    left, runs = iter(errors), asyncio.Event()

    async def work() -> None:
        for error in left:
            raise error
        runs.set()
        await asyncio.Event().wait()

    return work, runs


@pytest.mark.parametrize(
    "error",
    [ValueError("bad"), MemoryError(), asyncio.CancelledError(), NotAnExceptionError(), TimeoutError()],
    ids=repr,
)
async def test_work_that_fails_is_started_again_and_reported(error: BaseException) -> None:
    work, runs = failing(error)
    with capture_logs() as logs:
        async with supervised(work) as supervisor:
            assert await supervisor.check() is None
            await until(runs.is_set, what="the work to run")
            assert await supervisor.check() == f"the work failed and is started again: {error!r}."
            assert supervisor.failures == {"the work": 1}
    assert [(each["work"], each["exc_info"]) for each in logs] == [("the work", error)]


async def test_work_that_runs_again_is_no_longer_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "STEADY_S", 0.01)
    work, _ = failing(ValueError())
    async with supervised(work) as supervisor:
        await until(lambda: supervisor.failures["the work"] == 1, what="a failure")

        async def recovered() -> bool:
            return await supervisor.check() is None

        await until(recovered, what="no report")


async def test_pauses_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def note(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("offload.supervision.asyncio.sleep", note)
    errors = iter([ValueError()] * 8)

    async def work() -> None:
        for error in errors:
            raise error

    await Supervisor().run("the work", work)
    assert slept == [0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


async def test_after_steady_work_it_is_started_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "STEADY_S", -1.0)  # any work is steady
    slept: list[float] = []

    async def note(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("offload.supervision.asyncio.sleep", note)
    errors = iter([ValueError()] * 3)

    async def work() -> None:
        for error in errors:
            raise error

    await Supervisor().run("the work", work)
    assert slept == [0, 0, 0, 0]


async def test_a_failure_of_work_that_continues_is_reported_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "STEADY_S", 0.01)
    supervisor = Supervisor()
    for _ in range(3):
        supervisor.note("the work", ValueError("bad"))
    assert await supervisor.check() == "the work failed and continues: ValueError('bad')."
    assert supervisor.failures == {"the work": 3}

    async def over() -> bool:
        return await supervisor.check() is None

    await until(over, what="no report")


async def test_work_that_is_done_ends_and_is_not_reported() -> None:
    calls = 0

    async def work() -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ValueError

    supervisor = Supervisor()
    await asyncio.wait_for(supervisor.run("the work", work), 10)
    assert calls == 2
    assert await supervisor.check() is None


async def test_work_is_cancelled_with_its_task() -> None:
    work, runs = failing()
    async with supervised(work) as supervisor:
        await until(runs.is_set, what="the work to run")
    assert supervisor.failures == {"the work": 0}


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)], ids=repr)
async def test_what_ends_the_process_is_not_a_failure(error: BaseException) -> None:
    work, _ = failing(error)
    running = Supervisor().run("the work", work)
    with pytest.raises(type(error)):
        deque(iter(partial(running.send, None), running), maxlen=0)
