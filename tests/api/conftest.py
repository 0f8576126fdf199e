"""A server for each test of the API."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.api_server import ApiServer, api_server
from tests.support.scripted_engine import ScriptedEngine


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ApiServer]:
    """One slot; attempts end when the test says."""
    async with api_server(tmp_path) as server:
        yield server


@pytest.fixture
async def full_server(tmp_path: Path) -> AsyncIterator[ApiServer]:
    """No slot: what is submitted stays queued. The queue holds three jobs."""
    async with api_server(tmp_path, engine=ScriptedEngine(slots=0), queue_limit=3) as server:
        yield server


@pytest.fixture
async def idle_server(tmp_path: Path) -> AsyncIterator[ApiServer]:
    """No slot: what is submitted stays queued."""
    async with api_server(tmp_path, engine=ScriptedEngine(slots=0), queue_limit=50) as server:
        yield server
