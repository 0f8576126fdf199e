"""A running service and the client, as a user has both."""

from collections.abc import Iterator

import pytest

from app.client import Client
from tests.support.running_service import api, gate, server
from tests.support.server import Server

__all__ = ["api", "gate", "offload", "server"]


@pytest.fixture
def offload(server: Server) -> Iterator[Client]:
    """A client of that service."""
    with Client(str(server.api.http.base_url)) as offload:
        yield offload
