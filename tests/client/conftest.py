"""A running service and its clients, as a user has them, and a proxy that misbehaves when it is told to."""

from collections.abc import AsyncIterator, Iterator

import pytest

from offload.client import AsyncClient, Client, RemoteExecutor
from tests.support.proxy import Proxy
from tests.support.running_service import api, gate, server
from tests.support.server import Server

__all__ = ["api", "gate", "server"]


@pytest.fixture
def url(server: Server) -> str:
    """Where that service is."""
    return server.url


@pytest.fixture
def offload(url: str) -> Iterator[Client]:
    """A client of that service."""
    with Client(url) as offload:
        yield offload


@pytest.fixture
async def async_offload(url: str) -> AsyncIterator[AsyncClient]:
    """The same for asyncio."""
    async with AsyncClient(url) as offload:
        yield offload


@pytest.fixture
def executor(url: str) -> Iterator[RemoteExecutor]:
    """An executor over that service."""
    with RemoteExecutor(url) as executor:
        yield executor


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    """A proxy in front of that service."""
    port = server.api.http.base_url.port
    assert port is not None
    with Proxy(port) as proxy:
        yield proxy
