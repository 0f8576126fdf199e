"""One service for the attacks of a module, which must be as well after each as it was before."""

import resource
from collections.abc import Iterator

import psutil
import pytest

from tests.support.caller import Caller
from tests.support.server import Server
from tests.support.waiting import until_sync

GROWTH_BYTES = 96 << 20
"""How much memory an attack may cost for good. Attacks send, hold or ask for more; allocators keep some of it."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service of two lanes that is soon out of patience with bodies."""
    directory = tmp_path_factory.mktemp("abused")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # the service has the same
    with Server(directory, upload_max_mb=8, upload_idle_s=2, body_timeout_s=2, log_format="console") as server:
        server.api.succeeded(server.api.submit("greet", {"name": "you"})["id"])
        yield server


@pytest.fixture(scope="module")
def api(server: Server) -> Caller:
    """An honest client of that service."""
    return server.api


@pytest.fixture(autouse=True)
def unharmed(server: Server) -> Iterator[None]:
    """Afterwards others are served, descriptors and uploads are back, memory is flat, and the log is readable."""
    process = psutil.Process(server.process.pid)
    descriptors, memory, logged = process.num_fds(), process.memory_info().rss, len(server.stderr)
    yield
    assert server.api.http.get("/health/ready").status_code == 200
    server.api.succeeded(server.api.submit("greet", {"name": "you"})["id"])
    until_sync(lambda: process.num_fds() <= descriptors + 4, what=f"{descriptors} descriptors, as before")
    until_sync(lambda: not list(server.data_dir.rglob("*.part")), what="the spool to be swept")
    grown = process.memory_info().rss - memory
    assert grown < GROWTH_BYTES, f"{grown >> 20} MiB more than before"
    log = server.stderr[logged:]
    assert "Traceback" not in log
    assert [line for line in log.split("\n") if not line.isprintable()] == []
