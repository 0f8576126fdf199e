"""A front desk for each test of the API."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.front_desk import FrontDesk, front_desk
from tests.support.scripted_engine import ScriptedEngine


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[FrontDesk]:
    """One slot; attempts end when the test says."""
    async with front_desk(tmp_path) as desk:
        yield desk


@pytest.fixture
async def full_desk(tmp_path: Path) -> AsyncIterator[FrontDesk]:
    """No slot: what is submitted stays queued. The queue holds three jobs."""
    async with front_desk(tmp_path, engine=ScriptedEngine(slots=0), queue_limit=3) as desk:
        yield desk


@pytest.fixture
async def idle_desk(tmp_path: Path) -> AsyncIterator[FrontDesk]:
    """No slot: what is submitted stays queued."""
    async with front_desk(tmp_path, engine=ScriptedEngine(slots=0), queue_limit=50) as desk:
        yield desk
