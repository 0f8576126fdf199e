"""Reads and writes of a lane and of the board's process for each job, as the kernel counts them (proc(5), `io`)."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.server import Server

JOBS = 200


class Traffic(NamedTuple):
    """Reads, writes, and the bytes of both, of one process."""

    reads: int
    writes: int
    bytes: int

    def since(self, before: "Traffic") -> "Traffic":
        return Traffic(*(now - then for now, then in zip(self, before, strict=True)))


def traffic(pid: int) -> Traffic:
    counted = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return Traffic(int(counted["syscr"]), int(counted["syscw"]), int(counted["rchar"]) + int(counted["wchar"]))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, lanes=1) as server:
        yield server


def waited(server: Server) -> None:
    job = server.api.submit("fibonacci", {"n": 10}, headers={"Prefer": "wait=60"}, expect=200)
    assert job["state"] == "succeeded", job


def test_a_quick_job(server: Server) -> None:
    """Its lane reads 5 times and writes twice, 243 bytes in all: its memory, its OOM score, the call and the reply.

    If no job has come for a while, the next one is in a new call of the executor: 2 reads, a write and 253 bytes more.
    How often that happens depends on the machine. The bounds are a tenth above. The board's process is not asked,
    unless the machine lets a job wait.
    """
    for _ in range(30):
        waited(server)
    lane, board = server.api.idle_lanes(1)[0].pid, server.manager().pid
    before, board_before = traffic(lane), traffic(board)
    for _ in range(JOBS):
        waited(server)
    spent = traffic(lane).since(before)
    new_calls = max(0, spent.writes - 2 * JOBS)
    assert new_calls <= 1.1 * JOBS
    assert spent.reads <= 5.5 * JOBS + 2 * new_calls
    assert spent.bytes <= 267 * JOBS + 253 * new_calls
    assert traffic(board).since(board_before).writes <= 0.2 * JOBS


def test_a_long_job(server: Server) -> None:
    """The board's process is asked every 50 ms what runs, and gets progress every 100 ms: 30 responses a second.

    About 20 more are for the connections. The bound is a tenth above.
    """
    board = server.manager().pid
    before, begun = traffic(board), time.monotonic()
    server.api.succeeded(server.api.submit("climb", {"steps": 100})["id"])
    answers, seconds = traffic(board).since(before).writes, time.monotonic() - begun
    assert 10 <= answers <= 22 + 33 * seconds
