"""Fixtures of the contract suites."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from offload.jobs.interfaces import Journal
from tests.support.journals import FACTORIES


@pytest.fixture(params=FACTORIES)
async def journal(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Journal]:
    journal = FACTORIES[request.param](tmp_path)
    await journal.open()
    yield journal
    await journal.close()
