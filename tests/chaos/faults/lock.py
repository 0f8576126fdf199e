"""Locks the journal for writes, as a program does that inspects or copies it without care."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator

from tests.chaos.service import ChaosServer

WAITS_S = 10.0
"""How long to wait for the service's own transaction to end."""


@contextlib.asynccontextmanager
async def locked_journal(server: ChaosServer) -> AsyncIterator[asyncio.Event]:
    """Holds the lock until the event is set, at the latest until left."""
    release, connection = asyncio.Event(), await asyncio.to_thread(_lock, server)

    async def hold() -> None:
        await release.wait()
        connection.close()

    holding = asyncio.create_task(hold())
    try:
        yield release
    finally:
        release.set()
        await holding


def _lock(server: ChaosServer) -> sqlite3.Connection:
    connection = sqlite3.connect(server.journal, timeout=WAITS_S, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    return connection
