"""Measures how long a service that was killed with many queued jobs takes until it is ready again."""

import asyncio
import time
from pathlib import Path

import httpx

from tests.support.server import Server


def ready_with(queued: int, directory: Path, lanes: int) -> float:
    """Returns the seconds from the launch to the line that reports ready."""
    with Server(directory, lanes=lanes) as server:
        gate = directory / "gate"
        for _ in range(lanes):
            server.api.submit("hold", {"gate": str(gate)}, max_attempts=10)
        asyncio.run(_submit(str(server.api.http.base_url), queued))
        server.kill()
        began = time.monotonic()
        server.start()
        took = time.monotonic() - began
        waiting = server.api.get("/stats")["queue"]
        print(f"queue after the start: {waiting}")
        gate.touch()
        return took


async def _submit(url: str, count: int) -> None:
    left = iter(range(count))
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as http:

        async def one() -> None:
            for number in left:
                (await http.post("/jobs/greet", json={"name": str(number)})).raise_for_status()

        await asyncio.gather(*(one() for _ in range(16)))
