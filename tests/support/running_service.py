"""Fixtures of folders whose tests share a running service."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.caller import Caller
from tests.support.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running service with two lanes for all tests of a file. A test must leave nothing running or queued."""
    with Server(tmp_path_factory.mktemp("service")) as server:
        yield server


@pytest.fixture(scope="module")
def api(server: Server) -> Caller:
    """A client of that service."""
    return server.api


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Path]:
    """The file that a job of `hold` or `count` waits for. It is made at the end of the test in any case."""
    gate = tmp_path / "gate"
    yield gate
    gate.touch()
