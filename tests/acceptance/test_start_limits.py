"""What the system allows the process: a service that could not work does not start, and one that can't go on ends."""

import resource
import shlex
import socket
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from offload.server.memory_watch import EXIT_CODE
from offload.server.process import LEAST_CONNECTIONS, reserved_files
from tests.support.server import COMMAND, DidNotStartError, Server
from tests.support.waiting import until_sync


def with_limit(server: Server, directory: Path, option: str, limit: int) -> Server:
    """Has the service start with a hard limit of the shell's `ulimit`."""
    server.command = directory / "limited"
    server.command.write_text(f'#!/bin/bash\nulimit {option} {limit} && exec {shlex.quote(str(COMMAND))} "$@"\n')
    server.command.chmod(0o700)
    return server


@pytest.mark.parametrize("lanes", [1, 3])
def test_too_few_open_files_prevent_the_start_and_the_number_suffices(tmp_path: Path, lanes: int) -> None:
    needed = reserved_files(lanes) + 2 * LEAST_CONNECTIONS
    server = with_limit(Server(tmp_path, lanes=lanes), tmp_path, "-n", needed - 1)
    with pytest.raises(DidNotStartError, match=f"Set that limit to {needed} or more") as refused:
        server.start()
    assert refused.value.code == 2
    with with_limit(server, tmp_path, "-n", needed) as server, ExitStack() as others:
        url = server.api.http.base_url
        server.api.idle_lanes(lanes)
        for _ in range(LEAST_CONNECTIONS - 1):  # besides the client's own
            other = others.enter_context(socket.create_connection((url.host, url.port or 80)))
            other.sendall(b"GET /health/live HTTP/1.1\r\nHost: offload\r\n\r\n")
            assert other.recv(12) == b"HTTP/1.1 200"
        server.api.succeeded(server.api.submit("greet", {"name": "you"})["id"])


def test_a_service_without_address_space_ends_and_loses_nothing(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with Server(tmp_path) as server:
        jobs = [server.api.submit("hold", {"gate": str(gate)})["id"] for _ in range(3)]
        for job_id in jobs[:2]:
            server.api.lane_of(job_id)
        server.note_semaphores()
        limit = psutil.Process(server.process.pid).memory_info().vms + (4 << 20)
        resource.prlimit(server.process.pid, resource.RLIMIT_AS, (limit, limit))
        assert server.wait() == EXIT_CODE
        assert "out of address space" in server.stderr
        until_sync(lambda: not server.family(), what="every process to go")
        api = server.start().api
        gate.touch()
        for job_id in jobs:
            api.succeeded(job_id)
