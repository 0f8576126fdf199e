"""Fixtures for tests of the command line: a running service and the command."""

import pytest

from tests.support.command import Command
from tests.support.running_service import api, gate, server
from tests.support.server import Server

__all__ = ["api", "gate", "server"]


@pytest.fixture
def offload(server: Server) -> Command:
    return Command(str(server.api.http.base_url))
