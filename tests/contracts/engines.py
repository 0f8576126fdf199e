"""The engines that must pass the contract suite of `jobs.interfaces.Engine`."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.support.engine_rig import Rig, local_rig

Opener = Callable[[Path], AbstractAsyncContextManager[Rig]]

OPENERS: dict[str, Opener] = {"local": local_rig}


@pytest.fixture(params=OPENERS)
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    """An open engine with two lanes. At the end it is closed, and nothing of it may be left."""
    async with OPENERS[request.param](tmp_path) as opened:
        yield opened
