"""Bare processes that do the same work with nothing around it: what the machine can do at all."""

import asyncio
import sys
import time
from asyncio.subprocess import PIPE, Process

from bench.contenders import WORKERS
from bench.processes import ROOT

NAME = f"{WORKERS} bare processes"


async def together(*arguments: int | str, processes: int = WORKERS) -> float:
    """Seconds that so many processes take, each with `python -m bench.work` and these arguments, started before."""
    command = [sys.executable, "-m", "bench.work", *map(str, arguments)]
    started = [
        await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=PIPE, stdout=PIPE) for _ in range(processes)
    ]
    try:
        for process in started:
            await _line(process)
        begin = time.perf_counter()
        for process in started:
            assert process.stdin is not None
            process.stdin.write(b"\n")
        codes = await asyncio.gather(*(process.wait() for process in started))
        if any(codes):
            raise RuntimeError(f"exit codes {codes}")
        return time.perf_counter() - begin
    finally:
        for process in started:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def _line(process: Process) -> None:
    assert process.stdout is not None
    if not await process.stdout.readline():
        raise RuntimeError("a bare process ended before it was ready")
