"""Tasks that fail with large errors and outputs, and the effect on memory, descriptors and log of the service."""

from collections.abc import Iterator

import psutil
import pytest

from tests.support.caller import Caller
from tests.support.server import Server
from tests.support.waiting import until_sync

BEASTS = (
    "big prints raises-at-great-length raises-many-at-once recurses exits closes-all-descriptors opens-all-descriptors"
)

LONG_WINDED: list[tuple[str, dict[str, object], str]] = [
    ("raises-at-great-length", {}, "failed"),
    ("raises-many-at-once", {"number": 200}, "failed"),
    ("recurses", {"depth": 0}, "failed"),
    ("exits", {"code": 3}, "failed"),
    ("big", {"size": 16 << 10}, "succeeded"),
    ("big", {"size": 4 << 20}, "succeeded"),
    ("big", {"size": 64 << 20}, "failed"),
    ("prints", {"lines": 200}, "succeeded"),
]

ROUNDS = 12

GROWTH_BYTES = 24 << 20
"""What the service may grow by in all those rounds. One result read whole, or kept, would be more."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    tasks = ", ".join(f"{name}=misbehaving:{name.replace('-', '_')}" for name in BEASTS.split())
    with Server(tmp_path_factory.mktemp("service"), tasks=tasks, result_max_mb=16) as server:
        yield server


def one_round(api: Caller) -> None:
    """Each of the long-winded, with everything that can be asked of it."""
    ids = [(api.submit(task, params)["id"], state) for task, params, state in LONG_WINDED]
    for job_id, state in ids:
        job = api.ended(job_id)
        assert job["state"] == state, job
        assert len(str(job["error"])) < 20_000
        if state == "succeeded":
            api.result(job_id)
        with api.http.stream("GET", f"/jobs/{job_id}/events") as events:
            assert sum(line.startswith("event: job") for line in events.iter_lines()) == 1


def test_memory_and_descriptors_do_not_grow(server: Server, api: Caller) -> None:
    service = psutil.Process(server.process.pid)
    for _ in range(3):  # until every cache and buffer has been used
        one_round(api)
    before, opened = service.memory_info().rss, service.num_fds()
    for _ in range(ROUNDS):
        one_round(api)
    grown = service.memory_info().rss - before
    print(f"{ROUNDS * len(LONG_WINDED)} jobs, the service grew by {grown / 2**20:.1f} MiB")
    assert grown < GROWTH_BYTES
    until_sync(lambda: service.num_fds() <= opened, what="descriptors to come back")


def test_a_lane_whose_task_closes_all_descriptors_is_replaced(api: Caller) -> None:
    job = api.failed(api.submit("closes-all-descriptors", {}, max_attempts=2)["id"], "worker-died")
    assert job["attempt"] == 2
    assert len(api.idle_lanes()) == 2


def test_a_task_that_opens_all_descriptors_keeps_its_prints_and_its_result(api: Caller) -> None:
    for _ in range(3):
        job = api.succeeded(api.submit("opens-all-descriptors", {"size": 1 << 20}, timeout_s=20.0)["id"])
        assert len(api.result(job["id"])) == (1 << 20) - 2  # without the quotes
        assert "none is left" in api.http.get(f"/jobs/{job['id']}/logs").text
    assert len(api.idle_lanes()) == 2


def test_the_output_of_a_task_is_limited_and_the_log_says_so(server: Server, api: Caller) -> None:
    before = len(server.stderr)
    api.succeeded(api.submit("prints", {"lines": 10_000})["id"])
    said = until_sync(
        lambda: said if "the rest is only in its log" in (said := server.stderr[before:]) else None, what="the notice"
    )
    assert 64 << 10 < len(said) < 80 << 10


def test_a_large_result_is_deleted_with_its_job(server: Server, api: Caller) -> None:
    job_id = api.submit("big", {"size": 1 << 20})["id"]
    api.succeeded(job_id)
    results = server.data_dir / "results"
    assert list(results.glob(f"*{job_id}*"))
    assert api.http.delete(f"/jobs/{job_id}").status_code == 204
    until_sync(lambda: not list(results.glob(f"*{job_id}*")), what="the file to go")
