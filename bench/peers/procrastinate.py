"""Procrastinate on PostgreSQL. Run as a program, it makes the schema."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from procrastinate import App, PsycopgConnector

from bench import work

queue = App(connector=PsycopgConnector(conninfo=os.environ["BENCH_BROKER"]))
tasks = {name: queue.task(name=name)(getattr(work, name)) for name in ("noop", "burn")}


@asynccontextmanager
async def lifespan(_: object) -> AsyncIterator[None]:
    """Keeps the connections."""
    async with queue.open_async():
        yield


async def submit(task: str, arguments: Mapping[str, int]) -> str:
    """Submits a job."""
    return str(await tasks[task].defer_async(**arguments))


async def ended(job_id: str) -> bool:
    """Returns True if it has succeeded."""
    status = await queue.job_manager.get_job_status_async(int(job_id))
    return bool(status.value == "succeeded")


async def make_schema() -> None:
    """Makes its tables."""
    async with queue.open_async():
        await queue.schema_manager.apply_schema_async()


if __name__ == "__main__":
    import asyncio

    asyncio.run(make_schema())
