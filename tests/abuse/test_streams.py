"""Streams that are opened in bulk and not read, while jobs run."""

import time
from statistics import median

import psutil

from offload.api.transport.connection import STALL_S
from tests.abuse.test_connections import answered, closed, crowd
from tests.support.caller import Caller
from tests.support.server import Server
from tests.support.waiting import until_sync
from tests.support.wire import request

MANY = 500
EACH_BYTES = 256 << 10
"""What a stream that is not read may hold in the service's memory."""


def test_five_hundred_who_follow_all_and_read_nothing_hurt_nobody_and_are_dropped(server: Server, api: Caller) -> None:
    process = psutil.Process(server.process.pid)
    members = [{"task": "greet", "params": {"name": "x" * 100}}] * 1000
    before, descriptors = process.memory_info().rss, process.num_fds()
    with crowd(server, MANY, request("GET /events")) as clients:
        until_sync(lambda: all(map(answered, clients)), what="all streams to begin")
        began, took, batches = time.monotonic(), list[float](), list[str]()
        while process.num_fds() > descriptors + 10:  # to look at the connections themselves would be to read
            if len(batches) < 2:
                batches.append(api.http.post("/batches", json={"jobs": members}).json()["id"])
            submitted = time.monotonic()
            api.succeeded(api.submit("greet", {"name": "you"}, priority=1)["id"])
            took.append(time.monotonic() - submitted)
            grown = process.memory_info().rss - before
            assert grown < MANY * EACH_BYTES, f"{grown >> 20} MiB"
            assert time.monotonic() - began < STALL_S + 30, "they were not dropped"
        assert time.monotonic() - began > STALL_S / 2, "an honest reader may take its time"
        assert median(took) < 2.0
        assert all(map(closed, clients))
    for batch in batches:
        assert api.get(f"/batches/{batch}", wait=30)["done"]
