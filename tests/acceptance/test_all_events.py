"""`GET /events` over connections that break at any moment while jobs run: the events agree with the jobs."""

import contextlib
import http.client
import json
import os
import random
import secrets
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from tests.support.caller import TERMINAL, Json
from tests.support.server import Server
from tests.support.waiting import until_sync
from tests.support.wire import connected, request, rest

JOBS = 300
READERS = 4
KINDS: list[tuple[str, Json]] = [("climb", {"steps": 50}), ("refuse", {"text": "no"}), ("leave", {"code": 3})]
"""Tasks that tell how far they are, that fail, and that lose their process."""


class Follower:
    """A page that follows all jobs, over a connection that is cut again and again, in the midst of an event or not."""

    def __init__(self, server: Server, chance: random.Random) -> None:
        self._address = server.api.http.base_url.host, server.api.http.base_url.port or 80
        self._chance = chance
        self._stopping = False
        self.last_id: str | None = None
        self.jobs: dict[str, Json] = {}
        """The last that was told of each."""
        self.deleted: list[str] = []
        self.ends: Counter[str] = Counter()
        """How often each job was told to be terminal."""
        self.ids: Counter[str] = Counter()
        self.cuts = 0
        self.resets = 0
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._thread.join(30)
        assert not self._thread.is_alive()

    def knows(self, ended: Iterable[str], gone: set[str]) -> bool:
        """Whether it has been told of all these."""
        assert self._thread.is_alive(), "it has failed"
        return set(self.deleted) == gone and all(self.ends[job] for job in ended)

    def _follow(self) -> None:
        while not self._stopping:
            with socket.create_connection(self._address, timeout=15) as connection:
                self._read(connection, self._chance.randint(1, 30_000))
            self.cuts += 1

    def _read(self, connection: socket.socket, most: int) -> None:
        """As many bytes as there are, up to `most`; what is cut in two is thrown away, as browsers do."""
        last = f"Last-Event-ID: {self.last_id}\r\n" if self.last_id else ""
        connection.sendall(f"GET /events HTTP/1.1\r\nHost: x\r\n{last}\r\n".encode())
        with contextlib.closing(http.client.HTTPResponse(connection)) as response:
            response.begin()
            assert response.status == 200
            connection.settimeout(0.2)
            self._hear_all(response, most)

    def _hear_all(self, response: http.client.HTTPResponse, most: int) -> None:
        rest = b""
        end = time.monotonic() + self._chance.uniform(0, 0.5)
        while most > 0 and time.monotonic() < end and not self._stopping:
            try:
                piece = response.read1(most)
            except TimeoutError:
                return  # a response can't be read any further after it
            most -= len(piece)
            *events, rest = (rest + piece).split(b"\n\n")
            for event in events:
                self._hear(event.decode())

    def _hear(self, event: str) -> None:
        fields = dict(line.split(": ", 1) for line in event.split("\n") if not line.startswith(":"))
        self.last_id = fields.get("id", self.last_id)
        if "data" not in fields:
            return
        self.ids[fields["id"]] += 1
        data = json.loads(fields["data"])
        match fields["event"]:
            case "job":
                self.jobs[data["id"]] = data
                self.ends[data["id"]] += data["state"] in TERMINAL
            case "deleted":
                self.deleted.append(data["id"])
            case "reset":
                self.resets += 1


def test_every_event_is_sent_once_however_often_connections_break(tmp_path: Path) -> None:
    seed = int(os.environ.get("EVENTS_SEED") or secrets.randbits(32))
    print(f"EVENTS_SEED={seed}")
    chance = random.Random(seed)  # noqa: S311  # not a secret
    with Server(tmp_path) as server:
        api = server.api
        followers = [Follower(server, random.Random(chance.random())) for _ in range(READERS)]  # noqa: S311
        until_sync(lambda: all(one.last_id for one in followers), what="all to have begun")
        jobs = []
        for _ in range(JOBS):
            task, params = chance.choice(KINDS) if chance.random() < 0.1 else ("greet", {"name": "x" * 500})
            jobs.append(api.submit(task, params)["id"])
            if chance.random() < 0.1:
                api.http.post(f"/jobs/{chance.choice(jobs)}/cancel")
        truth = {job: api.ended(job) for job in jobs}
        gone = set(chance.sample(jobs, 20))
        for job in gone:
            assert api.http.delete(f"/jobs/{job}").status_code == 204
        left = {job: api.job(job) for job in jobs if job not in gone}
        assert left == {job: truth[job] for job in left}
        for one in followers:
            until_sync(partial(one.knows, left, gone), within=60, what="all ends to be told")
            one.stop()
            print(f"{one.cuts} cuts, {sum(one.ids.values())} events")
            assert one.cuts >= 10
            assert one.resets == 0
            assert {job: one.jobs[job] for job in left} == left
            assert max(one.ids.values()) == 1, "an event that was told twice"
            assert max(one.ends.values()) == 1, "an end that was told twice"
            assert len(one.deleted) == len(gone)


def test_open_streams_do_not_delay_the_shutdown(tmp_path: Path) -> None:
    with Server(tmp_path) as server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connected(server)) for _ in range(20)]
        for client in clients:
            client.sendall(request("GET /events"))
            assert client.recv(1)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 5, "nothing ran"
        for client in clients:
            assert rest(client).endswith(b"0\r\n\r\n"), "a stream is ended, and not cut"
