"""The engines that the contract suite holds to `jobs.interfaces.Engine`. A new one is done when it passes."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.support.engine_rig import Rig, local_rig

Opener = Callable[[Path], AbstractAsyncContextManager[Rig]]

OPENERS: dict[str, Opener] = {"local": local_rig}


@pytest.fixture(params=OPENERS)
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    """An open engine with two lanes, closed and checked for what it left behind afterwards."""
    async with OPENERS[request.param](tmp_path) as opened:
        yield opened
