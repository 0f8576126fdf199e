"""With `OFFLOAD_LOG_FORMAT=json`, everything that the service prints is a line of JSON."""

import json
from contextlib import closing
from pathlib import Path

from tests.support.server import Server
from tests.support.waiting import until_sync


def test_the_ready_line_and_the_log_are_json(tmp_path: Path) -> None:
    with closing(Server(tmp_path, log_format="json", owner_queue_limit=1)) as server:
        server.launch()
        until_sync(lambda: server.stdout.endswith("\n"), what="the ready line")
        server.terminate()
        assert server.wait() == 0
        (ready,) = map(json.loads, server.stdout.splitlines())
        assert ready["event"].startswith("Offload ready on http://127.0.0.1:")
        assert ready.keys() == {"event", "level", "logger", "timestamp"}
        logged = [json.loads(line) for line in server.stderr.splitlines()]
        assert logged
        assert all(ready.keys() <= line.keys() for line in logged)


def test_the_reason_of_a_failed_start_is_json(tmp_path: Path) -> None:
    with closing(Server(tmp_path, log_format="json", port="x", lanes=0)) as server:
        server.launch()
        assert server.wait() == 2
        (problem,) = map(json.loads, server.stderr.splitlines())
        assert "OFFLOAD_PORT=x" in problem["event"]
        assert "OFFLOAD_LANES=0" in problem["event"]
