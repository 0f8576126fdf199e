"""`RemoteExecutor` as the executors of the standard library are used, over a real service."""

import asyncio
import concurrent.futures
import functools
import gc
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from offload.client import (
    Client,
    JobFailedError,
    OffloadError,
    RefusedError,
    RemoteExecutor,
    RemoteFuture,
    UnreachableError,
)
from offload.client.executor.arguments import bind
from tests.support.proxy import Proxy
from tests.support.sample_tasks import blob, greet, hold, refuse, spin
from tests.support.server import Server
from tests.support.waiting import until, until_sync

ROOT = Path(__file__).parents[2]


def fibonacci(n: int, algorithm: str = "fast") -> Any:
    """Stands for the task of this name; never called here."""
    raise AssertionError((n, algorithm))


def test_a_future_has_its_jobs_result(executor: RemoteExecutor, offload: Client) -> None:
    future = executor.submit("fibonacci", n=36)
    assert isinstance(future, concurrent.futures.Future)
    assert future.result(30) == {"n": 36, "value": "14930352", "digits": 8}
    assert (future.done(), future.running(), future.cancelled(), future.cancel()) == (True, False, False, False)
    assert future.job_id is not None
    assert offload.job(future.job_id).labels == (executor.label,)


def test_a_function_stands_for_the_task_of_its_name(executor: RemoteExecutor) -> None:
    assert executor.submit(fibonacci, 10).result(30)["value"] == "55"
    assert executor.submit(functools.partial(fibonacci, algorithm="recursive"), n=10).result(30)["value"] == "55"
    assert executor.submit(greet, "Ada", times=2).result(30) == {"lines": ["Hello, Ada!"] * 2}


def test_a_large_result_comes_whole(executor: RemoteExecutor) -> None:
    future = executor.submit(blob, 300_000, seed=1)
    assert len(future.result(30)) == 300_000


def test_a_failure_is_the_exception_of_its_future(executor: RemoteExecutor) -> None:
    error = executor.submit(refuse, "it").exception(30)
    assert isinstance(error, JobFailedError)
    assert "I refuse it" in str(error)
    refused = executor.submit("nope").exception(30)
    assert isinstance(refused, RefusedError)
    assert refused.kind == "task-not-found"
    assert isinstance(executor.submit(fibonacci, float("nan")).exception(30), ValueError)


def test_a_running_job_is_cancelled_and_its_process_is_gone(executor: RemoteExecutor, server: Server) -> None:
    future = executor.submit(spin)
    until_sync(future.running)
    assert future.job_id is not None
    lane = server.api.lane_of(future.job_id)
    assert future.cancel()
    assert future.cancelled()
    assert not future.running()
    with pytest.raises(concurrent.futures.CancelledError):
        future.result()
    assert concurrent.futures.wait([future], 30).done == {future}
    assert not lane.is_running()
    assert server.api.job(future.job_id)["state"] == "cancelled"
    assert future.cancel()


def test_a_queued_job_is_cancelled_and_never_runs(executor: RemoteExecutor, server: Server, gate: Path) -> None:
    busy = [executor.submit(hold, str(gate)) for _ in range(2)]
    until_sync(lambda: all(future.running() for future in busy))
    queued = executor.submit(hold, str(gate))
    job_id = until_sync(lambda: queued.job_id)
    unsent = executor.submit(hold, str(gate))
    assert queued.cancel()
    assert unsent.cancel()  # it may not even have been sent
    concurrent.futures.wait([queued, unsent], 30)
    assert server.api.job(job_id)["attempt"] == 0
    gate.touch()
    assert [future.result(30) > 0 for future in busy] == [True, True]


def test_a_job_that_others_cancel_is_a_cancelled_future(executor: RemoteExecutor, server: Server) -> None:
    future = executor.submit(spin)
    server.api.cancel(until_sync(lambda: future.job_id))
    with pytest.raises(concurrent.futures.CancelledError):
        future.result(30)


def test_a_job_that_others_delete_is_an_error(proxy: Proxy, server: Server) -> None:
    with RemoteExecutor(proxy.url) as remote:
        future = remote.submit(spin)
        until_sync(future.running)
        job_id = until_sync(lambda: future.job_id)
        proxy.instead["GET"] = b""
        proxy.cut()
        server.api.cancel(job_id)
        server.api.http.delete(f"/jobs/{job_id}")
        proxy.instead.clear()
        assert isinstance(future.exception(30), OffloadError) or future.cancelled()


def test_callbacks_wait_and_as_completed(executor: RemoteExecutor) -> None:
    called = threading.Event()
    first = executor.submit(fibonacci, 1)
    first.add_done_callback(lambda _: called.set())
    futures = [first, *(executor.submit(fibonacci, n) for n in range(2, 20))]
    assert {future.result()["n"] for future in concurrent.futures.as_completed(futures, 30)} == set(range(1, 20))
    assert concurrent.futures.wait(futures, 30).not_done == set()
    assert called.wait(30)


def test_a_callback_may_submit_and_even_shut_down(url: str) -> None:
    executor = RemoteExecutor(url)
    chained: list[RemoteFuture] = []

    def chain(_: object) -> None:
        chained.append(executor.submit(fibonacci, 2))
        executor.shutdown()  # would wait for itself

    executor.submit(fibonacci, 1).add_done_callback(chain)
    until_sync(lambda: chained)
    assert chained[0].result(30)["n"] == 2
    executor.shutdown()


def test_map_yields_results_in_order(executor: RemoteExecutor, offload: Client) -> None:
    numbers = [36, 5, 30, 1]
    results = list(executor.map(fibonacci, numbers, ["recursive"] * 4, timeout=60, chunksize=2))
    assert [result["n"] for result in results] == numbers
    assert list(executor.map("fibonacci", [{"n": 3}, {"n": 4}])) == [
        {"n": 3, "value": "2", "digits": 1},
        {"n": 4, "value": "3", "digits": 1},
    ]
    assert list(executor.map(fibonacci, [])) == []
    assert next(offload.batches()).size == 2


def test_map_yields_the_first_before_the_last_has_ended(executor: RemoteExecutor, gate: Path, tmp_path: Path) -> None:
    (tmp_path / "open").touch()
    results = executor.map(hold, [str(tmp_path / "open"), str(gate)])
    assert next(results) > 0
    with pytest.raises(TimeoutError):
        list(executor.map(hold, [str(gate)], timeout=0.1))
    gate.touch()
    assert len(list(results)) == 1


@pytest.mark.parametrize("started", [True, False])
def test_a_dropped_map_cancels_the_rest(
    executor: RemoteExecutor, offload: Client, tmp_path: Path, started: bool
) -> None:
    (tmp_path / "open").touch()
    results = executor.map(hold, [str(tmp_path / name) for name in ("open", "never", "nor", "ever")])
    if started:
        next(results)
    del results
    gc.collect()
    until_sync(lambda: all(job.ended for job in offload.jobs(label=executor.label)))
    cancelled = [job for job in offload.jobs(label=executor.label) if job.state == "cancelled"]
    assert len(cancelled) >= 3 or not started  # what was dropped before it was sent never became a job


@pytest.mark.parametrize("when", ["before it is sent", "while it is sent", "afterwards"])
def test_a_dropped_map_is_cancelled_as_a_whole(proxy: Proxy, offload: Client, when: str) -> None:
    with RemoteExecutor(proxy.url) as executor:
        if when != "before it is sent":
            executor.submit(greet, "Ada").result(30)
        results = executor.map("spin", [{}] * 500)
        if when == "while it is sent":
            until_sync(lambda: any("POST /batches" in line for line in proxy.requests))
        elif when == "afterwards":
            until_sync(lambda: any(job.state == "running" for job in offload.jobs(label=executor.label)))
        del results
        gc.collect()
    assert all(job.ended for job in offload.jobs(label=executor.label))
    assert sum("/cancel" in line for line in proxy.requests) < 50


def test_a_failure_in_a_map_is_raised_at_its_place(executor: RemoteExecutor) -> None:
    results = executor.map(refuse, ["a", "b"])
    with pytest.raises(JobFailedError, match="I refuse a"):
        next(results)
    with pytest.raises(RefusedError, match="greater than or equal to 0"):
        list(executor.map(fibonacci, [1, -1]))


def test_many_threads_may_submit(executor: RemoteExecutor) -> None:
    results: list[int] = []

    def work() -> None:
        results.extend(executor.submit(fibonacci, n).result(30)["n"] for n in range(10))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == sorted([*range(10)] * 8)


@pytest.mark.anyio
async def test_asyncio_may_await_it(executor: RemoteExecutor) -> None:
    loop = asyncio.get_running_loop()
    results = await asyncio.gather(*(loop.run_in_executor(executor, fibonacci, n) for n in range(10)))
    assert [result["n"] for result in results] == [*range(10)]
    with pytest.raises(JobFailedError):
        await loop.run_in_executor(executor, refuse, "x")
    future = executor.submit(spin)
    awaited = asyncio.wrap_future(future)
    awaited.cancel()
    with pytest.raises(asyncio.CancelledError):
        await awaited
    await until(future.cancelled)


def test_futures_survive_cut_connections_and_a_held_stream(proxy: Proxy, gate: Path) -> None:
    with RemoteExecutor(proxy.url) as executor:
        futures = [executor.submit(hold, str(gate)), *(executor.submit(fibonacci, n) for n in range(50))]
        until_sync(futures[0].running)
        proxy.cut()
        assert [future.result(30)["n"] for future in futures[1:]] == [*range(50)]
        proxy.hold.add("/events")
        proxy.cut()
        gate.touch()
        assert futures[0].result(30) > 0


def test_a_lost_response_runs_no_work_twice(proxy: Proxy, offload: Client) -> None:
    proxy.swallow["POST /jobs/greet"] = 1
    proxy.swallow["POST /batches HTTP"] = 1
    with RemoteExecutor(proxy.url) as executor:
        assert executor.submit(greet, "Ada").result(30)
        assert len(list(executor.map(greet, ["Ada", "Eve"]))) == 2
    assert len(list(offload.jobs(label=executor.label))) == 3


def test_futures_outlive_the_service(tmp_path: Path, gate: Path) -> None:
    with Server(tmp_path) as server, RemoteExecutor(server.url) as executor:
        port = server.url.rpartition(":")[2]
        futures = [executor.submit(hold, str(gate)) for _ in range(20)]
        until_sync(lambda: any(future.running() for future in futures))
        until_sync(lambda: all(future.job_id for future in futures))
        server.kill()
        gate.touch()
        server.start(port=port)
        assert all(future.result(60) > 0 for future in futures)


def test_without_a_service_each_future_is_unreachable() -> None:
    with RemoteExecutor("http://127.0.0.1:9", patience_s=0.2) as executor:
        assert isinstance(executor.submit(fibonacci, 1).exception(30), UnreachableError)
        with pytest.raises(UnreachableError):
            list(executor.map(fibonacci, [1, 2]))


def test_a_full_queue_is_waited_for(tmp_path: Path) -> None:
    with Server(tmp_path, lanes=1, queue_limit=5) as server, RemoteExecutor(server.url) as executor:
        futures = [executor.submit(blob, 10, seed=n) for n in range(50)]
        assert all(len(future.result(60)) == 10 for future in futures)


def test_shutdown_waits_and_nothing_is_accepted_after_it(url: str) -> None:
    executor = RemoteExecutor(url)
    future = executor.submit(fibonacci, 30)
    executor.shutdown()
    assert future.done()
    for submit in (lambda: executor.submit(fibonacci, 1), lambda: executor.map(fibonacci, [1])):
        with pytest.raises(RuntimeError, match="after shutdown"):
            submit()
    executor.shutdown()
    assert not [thread for thread in threading.enumerate() if thread.name == "offload-executor"]


def test_shutdown_without_waiting_does_not_end_futures(url: str, gate: Path) -> None:
    executor = RemoteExecutor(url)
    future = executor.submit(hold, str(gate))
    executor.shutdown(wait=False)
    assert not future.done()
    gate.touch()
    assert future.result(30) > 0


def test_shutdown_can_cancel_what_is_not_running(url: str, gate: Path) -> None:
    executor = RemoteExecutor(url)
    running = [executor.submit(hold, str(gate)) for _ in range(2)]
    until_sync(lambda: all(future.running() for future in running))
    queued = [executor.submit(hold, str(gate)) for _ in range(20)]
    executor.shutdown(wait=False, cancel_futures=True)
    concurrent.futures.wait(queued, 30)
    assert all(future.cancelled() for future in queued)
    gate.touch()
    assert all(future.result(30) > 0 for future in running)


def test_an_executor_without_references_ends(url: str) -> None:
    executor = RemoteExecutor(url)
    future = executor.submit(fibonacci, 1)
    gone = weakref.ref(executor)
    del executor
    gc.collect()
    assert gone() is None
    assert future.result(30)["n"] == 1
    until_sync(lambda: not [thread for thread in threading.enumerate() if thread.name == "offload-executor"])


def test_an_unused_executor_has_no_thread() -> None:
    with RemoteExecutor("http://127.0.0.1:9"):
        assert not [thread for thread in threading.enumerate() if thread.name == "offload-executor"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_program_sends_what_it_has_submitted_before_it_ends(url: str, offload: Client, host: str) -> None:
    """Also with a host name. asyncio resolves names in a thread, which can't be started any more at exit."""
    url = url.replace("127.0.0.1", host)
    code = (
        "from offload.client import RemoteExecutor\n"
        f"executor = RemoteExecutor({url!r})\n"
        "for n in range(100): executor.submit('fibonacci', n=n)\n"
        "print(executor.label)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    )
    assert ended.stderr == ""
    assert len(list(offload.jobs(label=ended.stdout.strip()))) == 100


class Size(BaseModel):
    """A model that a task takes as its whole body."""

    width: int


def test_arguments_are_bound_to_names() -> None:
    def scale(size: Size) -> None: ...
    def shrink(size: Size, progress: Callable[[int, int], None]) -> None: ...
    def crop_image(path: str, /, left: int = 0, **more: int) -> None: ...
    def total(*numbers: int) -> None: ...

    assert bind(scale, [Size(width=3)], {}) == ("scale", {"width": 3})
    assert bind(crop_image, ["a", 2], {"top": 4}) == ("crop-image", {"path": "a", "left": 2, "top": 4})
    assert bind(shrink, [Size(width=3)], {}) == ("shrink", {"width": 3})
    assert bind("x", [], {"a": 1}) == ("x", {"a": 1})
    for task, args in ((total, [1]), (scale, [1, 2]), ("x", [1]), (lambda: None, []), (os.environ, [])):
        with pytest.raises(TypeError):
            bind(task, args, {})  # type: ignore[arg-type]


def test_map_takes_mappings_for_the_name_of_a_task(executor: RemoteExecutor) -> None:
    with pytest.raises(TypeError, match="mapping"):
        executor.map("fibonacci", [1, 2])
    with pytest.raises(ValueError, match="chunksize"):
        executor.map(fibonacci, [1], chunksize=0)
