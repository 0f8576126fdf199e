"""The container's health check against a real HTTP server with scripted responses."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from offload.server.probe import ready

ROOT = Path(__file__).parents[2]


@contextmanager
def answering(*statuses: int) -> Iterator[int]:
    """A server whose `/health/ready` answers these one after the other, the last one from then on. Gives its port."""
    left = list(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/health/ready"
            self.send_response(left.pop(0) if len(left) > 1 else left[0])
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def test_a_ready_service_is_ready() -> None:
    with answering(200) as port:
        assert ready(port)


def test_a_service_that_becomes_ready_in_time_is_ready() -> None:
    with answering(503, 503, 200) as port:
        assert ready(port)


def test_a_service_that_is_not_ready_is_not_ready() -> None:
    with answering(503) as port:
        assert not ready(port, timeout_s=0.3)


def test_a_port_without_a_service_is_not_ready() -> None:
    with answering(200) as port:
        pass
    assert not ready(port, timeout_s=0.3)


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_exit_code_reports_readiness(status: int, code: int) -> None:
    """As HEALTHCHECK runs it, also where the environment names a proxy."""
    with answering(status) as port:
        environment = os.environ | {"OFFLOAD_PORT": str(port), "http_proxy": "http://127.0.0.1:9"}
        command = [sys.executable, "-P", "-m", "offload.server.probe"]
        run = subprocess.run(command, cwd=ROOT, env=environment | {"PYTHONPATH": str(ROOT)}, check=False)
        assert run.returncode == code
