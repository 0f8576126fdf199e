"""A running service, its clients, and a proxy that misbehaves as a test wants."""

from collections.abc import Iterator

import pytest

from offload.client import Client, RemoteExecutor
from offload.client._async import changes as async_changes
from offload.client._async import following as async_following
from offload.client._sync import changes, following
from tests.support.both_clients import CLIENTS, Connect, connect_with
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
    """A client of that service, for threads."""
    with Client(url) as offload:
        yield offload


@pytest.fixture(params=CLIENTS)
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Makes clients: once for threads, once for asyncio. Each test that uses it runs over both."""
    with connect_with(request.param) as connect:
        yield connect


@pytest.fixture
def quick_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """Finds out sooner that no stream of events gets through."""
    for module in (changes, following, async_changes, async_following):
        monkeypatch.setattr(module, "TRIAL_S", 0.5)


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
