"""Tasks that misbehave: each gets the right outcome, affects no other attempt, and leaves nothing behind."""

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from offload.jobs.model import Done, Failed, FailureKind, Lost, Outcome, Stopped
from offload.wire.messages import INLINE_BYTES, MESSAGE_BYTES
from offload.worker import exceptions
from tests.contracts.engines import rig
from tests.support.engine_rig import RESULT_MAX_BYTES, Rig, descendants, done
from tests.support.waiting import until

__all__ = ["rig"]

pytestmark = pytest.mark.anyio

Check = Callable[[Outcome], bool]


def failed(kind: FailureKind, *parts: str, exception: str | None = None) -> Check:
    def check(outcome: Outcome) -> bool:
        if not isinstance(outcome, Failed) or outcome.failure.kind is not kind:
            return False
        failure = outcome.failure
        json.dumps([failure.detail, failure.traceback]).encode()
        bounded = len(failure.detail.encode()) <= exceptions.MESSAGE_BYTES
        bounded &= len((failure.traceback or "").encode()) <= exceptions.TRACEBACK_BYTES
        return bounded and failure.exception == exception and all(part in failure.detail for part in parts)

    return check


def raised(exception: str, *parts: str) -> Check:
    return failed(FailureKind.TASK_RAISED, *parts, exception=exception)


def lost(*, exit_code: int | None = None, by: str | None = None) -> Check:
    def check(outcome: Outcome) -> bool:
        return isinstance(outcome, Lost) and (outcome.exit_code, outcome.signal) == (exit_code, by)

    return check


def stopped(by: str) -> Check:
    return lambda outcome: isinstance(outcome, Stopped) and outcome.by == by


def memory(outcome: Outcome) -> bool:
    """Reported by the watchdog, by the task's own MemoryError, or by how the process ended."""
    if isinstance(outcome, Failed):
        return outcome.failure.kind is FailureKind.MEMORY_EXCEEDED
    return stopped("memory")(outcome)


def returned(result: object) -> Check:
    return lambda outcome: isinstance(outcome, Done) and done(outcome) == result


ZOO = "tests.support.misbehaving"

FRESH = (
    *(
        "all threads",
        "cwd",
        "decimal",
        "environ",
        "few descriptors",
        "handlers",
        "interpreter",
        "limits",
        "locale",
        "main",
        "mask",
    ),
    *("nice", "recursion", "scheduling", "standard streams", "threads", "timers", "traced", "umask", "zone"),
)
"""The values of `whoami` that must be the same for every attempt."""

CASES: list[tuple[str, dict[str, object], Check]] = [
    ("echo", {"text": "hello"}, returned("hello")),
    ("raises", {"message": "boom"}, raised("ValueError", "ValueError: boom")),
    ("raises-two-arguments", {}, raised(f"{ZOO}.TwoArgumentsError", "one and two")),
    ("raises-evil", {}, raised(f"{ZOO}.EvilError", "can't be read")),
    ("raises-base", {}, raised(f"{ZOO}.NotAnExceptionError", "beneath")),
    ("raises-interrupt", {}, raised("KeyboardInterrupt")),
    ("raises-generator-exit", {}, raised("GeneratorExit")),
    ("raises-group", {}, raised("BaseExceptionGroup", "2 sub-exceptions")),
    ("raises-surrogates", {}, raised("ValueError", "\\ud800", "\x00", "\x1b")),
    ("raises-at-length", {}, raised("ValueError", "begin", "[...]", "end")),
    ("raises-at-great-length", {}, raised(f"{ZOO}.LengthyError", "begin", "[...]", "end")),
    ("raises-in-a-circle", {}, raised("ValueError", "first")),
    ("raises-with-many-causes", {"number": 20_000}, raised("ValueError", "because of another")),
    ("raises-many-at-once", {"number": 20_000}, raised("ExceptionGroup", "20000 sub-exceptions")),
    ("raises-groups-of-groups", {"depth": 2000}, raised("ExceptionGroup", "outer")),
    ("raises-what-no-traceback-can-tell", {}, raised("SyntaxError", "odd")),
    ("recurses", {"depth": 0}, raised("RecursionError")),
    ("exits", {"code": 0}, raised("SystemExit", "sys.exit(0)")),
    ("exits", {"code": 3}, raised("SystemExit", "sys.exit(3)")),
    (
        "unpicklable",
        {},
        failed(FailureKind.RESULT_NOT_SERIALIZABLE, exception="offload.tasks.faults.ResultNotSerializableError"),
    ),
    (
        "big",
        {"size": 300 << 20, "memory_mb": 2048},
        failed(FailureKind.RESULT_TOO_LARGE, str(300 << 20), str(RESULT_MAX_BYTES)),
    ),
    ("no-such-task", {}, failed(FailureKind.TASK_RAISED, "no-such-task")),
    ("echo", {"text": 1}, raised("pydantic_core._pydantic_core.ValidationError", "text")),
    ("dies", {"code": 0}, lost(exit_code=0)),
    ("dies", {"code": 7}, lost(exit_code=7)),
    ("dies", {"code": 255}, lost(exit_code=255)),
    ("segfaults", {}, lost(by="SIGSEGV")),
    ("aborts", {}, lost(by="SIGABRT")),
    ("kills-itself", {}, lost(by="SIGKILL")),
    ("loops", {"timeout_s": 0.3}, stopped("time")),
    ("loops-in-c", {"timeout_s": 0.3, "memory_mb": 8192}, stopped("time")),
    ("ignores-sigterm", {"timeout_s": 0.3}, stopped("time")),
    ("sleeps", {"seconds": 600, "timeout_s": 0.3}, stopped("time")),
    ("hogs-slowly", {"memory_mb": 128}, memory),
    ("hogs-at-once", {"mib": 100_000, "memory_mb": 128}, memory),
    ("hogs-in-c", {"memory_mb": 128}, memory),
    ("hogs-shared-memory", {"memory_mb": 128}, memory),
    ("hogs-in-a-child-of-a-thread", {"memory_mb": 128}, memory),
    ("prints", {"lines": 100_000}, returned(None)),
    ("closes-stdout", {}, returned(None)),
    ("forks-and-returns-twice", {}, returned(1)),
    ("changes-everything", {}, returned(None)),
    ("changes-what-is-inherited", {}, returned(None)),
    ("lowers-its-limits", {}, returned(None)),
    ("replaces-json", {}, returned(None)),
    ("becomes-nicer", {}, returned(None)),
    ("changes-how-it-is-scheduled", {}, returned(None)),
    ("changes-the-interpreter", {}, returned(None)),
    ("changes-standard-streams", {}, returned(None)),
    ("leaves-files-open", {"number": 300}, returned(None)),
    ("opens-all-descriptors", {"size": 100_000}, lambda outcome: isinstance(outcome, Done)),
    ("starts-a-raw-thread", {}, returned(None)),
    ("closes-all-descriptors", {}, lambda outcome: isinstance(outcome, Lost)),
    ("closes-all-but-pipes", {}, returned(None)),
    ("writes-garbage-to-its-pipes", {}, lambda outcome: isinstance(outcome, Lost)),
    ("writes-garbage-to-its-pipes", {"garbage": "0000000568656c6c6f"}, lambda outcome: isinstance(outcome, Lost)),
    ("writes-garbage-to-its-pipes", {"garbage": "00000000"}, lambda outcome: isinstance(outcome, Lost)),
    ("loses-its-descriptors", {}, lambda outcome: isinstance(outcome, Lost)),
    ("starts-a-thread", {}, returned(None)),
    ("leaks", {"mib": 300, "memory_mb": 1024}, returned(None)),
]


@pytest.mark.parametrize(
    ("task", "params", "expected"), CASES, ids=[f"{task}-{i}" for i, (task, *_) in enumerate(CASES)]
)
async def test_a_misbehaving_task_affects_only_itself(
    rig: Rig, tmp_path: Path, task: str, params: dict[str, object], expected: Check
) -> None:
    neighbour = rig.assign("waits-for", path=str(tmp_path / "now"))
    before = done(await rig.outcome_of("whoami"))
    assert isinstance(before, dict)
    assert (before["nice"], before["threads"], before["cwd"]) == (min(os.nice(0) + 10, 19), 2, str(Path.cwd()))
    waiting = rig.begin(neighbour)
    other = await rig.running(neighbour)

    outcome = await rig.outcome_of(task, **params)  # type: ignore[arg-type]  # limits among the parameters

    assert expected(outcome), outcome
    assert not waiting.done()
    assert psutil.pid_exists(other)
    (tmp_path / "now").touch()
    assert done(await waiting) == "it came"
    await rig.all_free()
    both = await asyncio.gather(rig.outcome_of("whoami"), rig.outcome_of("whoami"))  # concurrently: one in each lane
    for seen in (done(one) for one in both):
        assert isinstance(seen, dict)
        assert {name: seen[name] for name in FRESH} == {name: before[name] for name in FRESH}


@pytest.mark.parametrize("then", ["return", "die", "loop"])
async def test_children_of_a_task_end_with_its_attempt(rig: Rig, tmp_path: Path, then: str) -> None:
    outcome = await rig.outcome_of("forks", pidfile=str(tmp_path / "pids"), then=then, timeout_s=0.5)

    expected = {"return": returned("left them"), "die": lost(exit_code=1), "loop": stopped("time")}
    assert expected[then](outcome), outcome
    left = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert len(left) == 3
    await until(lambda: not any(psutil.pid_exists(pid) for pid in left), what="a task's children to end")
    await rig.all_free()


async def test_results_of_any_size_are_returned(rig: Rig) -> None:
    for size in (2, MESSAGE_BYTES, MESSAGE_BYTES + 1, INLINE_BYTES, INLINE_BYTES + 1, 10 << 20):
        assignment = rig.assign("big", size=size)
        outcome = await rig.begin(assignment)
        assert isinstance(outcome, Done), outcome
        assert outcome.result_bytes == size
        if size <= INLINE_BYTES:
            assert outcome.result == b'"' + b"x" * (size - 2) + b'"'
            assert not rig.file(assignment).exists()
        else:
            assert outcome.result is None
            assert rig.file(assignment).stat().st_size == size


async def test_parameters_of_any_size_are_passed(rig: Rig) -> None:
    for size in (MESSAGE_BYTES - 20, MESSAGE_BYTES, 8 << 20):
        assignment = rig.assign("echo", text="é" * (size // 2), memory_mb=512)
        outcome = await rig.begin(assignment)
        assert isinstance(outcome, Done), outcome
        if outcome.result is None:
            assert json.loads(rig.file(assignment).read_bytes()) == "é" * (size // 2)
        else:
            assert json.loads(outcome.result) == "é" * (size // 2)
    left = [file.name for file in (rig.home / "run").iterdir()]
    assert [name for name in left if not name.startswith("lane-")] == []  # those name the lanes


async def test_mapped_files_do_not_count_as_memory(rig: Rig, tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(400 << 20)
    outcome = await rig.outcome_of("maps-a-file", path=str(tmp_path / "large"), memory_mb=64)
    assert done(outcome) == 0


async def test_usage_is_of_the_attempt_alone(rig: Rig) -> None:
    large = await rig.outcome_of("big", size=100 << 20, memory_mb=2048)
    assert isinstance(large, Done)
    assert large.usage.peak_rss_bytes is not None
    assert large.usage.peak_rss_bytes > 100 << 20
    for _ in range(2):
        small = await rig.outcome_of("echo", text="small")
        assert isinstance(small, Done)
        assert small.usage.peak_rss_bytes is not None
        assert small.usage.peak_rss_bytes < 100 << 20
        assert small.usage.cpu_s is not None
        assert small.usage.cpu_s < 1
    outcome = await rig.outcome_of("loops", timeout_s=0.6)
    assert isinstance(outcome, Stopped)
    assert outcome.usage is not None
    assert outcome.usage.wall_s >= 0.6
    assert outcome.usage.cpu_s is not None
    assert outcome.usage.cpu_s > 0
    assert outcome.usage.peak_rss_bytes


async def test_a_traceback_starts_at_the_task(rig: Rig) -> None:
    outcome = await rig.outcome_of("raises", message="boom")
    assert isinstance(outcome, Failed)
    assert outcome.failure.traceback is not None
    assert "raise ValueError(message)" in outcome.failure.traceback
    assert "offload/worker" not in outcome.failure.traceback
    assert outcome.failure.traceback.startswith("Traceback (most recent call last):")


async def test_a_child_that_keeps_forking_ends_with_its_attempt(rig: Rig) -> None:
    assert isinstance(await rig.outcome_of("hops", seconds=30), Done)
    await rig.all_free()
    await until(lambda: len(descendants()) == 2, what="only the two lanes to be left")


async def test_timers_that_a_task_leaves_affect_no_later_attempt(rig: Rig) -> None:
    for _ in range(2):
        await asyncio.gather(*(rig.outcome_of("leaves-timers", seconds=0.2) for _ in range(2)))
    after = await asyncio.gather(*(rig.outcome_of("sleeps", seconds=0.5) for _ in range(2)))
    assert [done(outcome) for outcome in after] == [None, None]
