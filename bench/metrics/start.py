"""Cold start: from the start of the processes until the first response, and until the end of a first job is known."""

import asyncio
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping
from functools import partial

from bench.contenders import Contender
from bench.load import ask, converse, post
from bench.processes import ROOT
from bench.runner import Metric, Turn
from bench.shown import id_of, until_ended
from bench.stand import Stand

_IMPORTED = "offload.server.application"


def turns(stand: Stand) -> list[Turn]:
    found = [Turn(each.name, partial(_start, each)) for each in stand.that_run()]
    return [*found, Turn(f"import of {_IMPORTED}", _imports)]


async def _start(contender: Contender) -> Mapping[str, float]:
    with contender.start() as server:
        submitted = (await ask(server.port, post("/jobs/noop"))).expect(202)
        await converse(server.port, until_ended(f"/jobs/{id_of(submitted)}"))
        return {"first answer s": server.answered_s, "first outcome s": time.perf_counter() - server.started}


async def _imports() -> Mapping[str, float]:
    """Returns the total seconds and the number of modules from `-X importtime`."""
    command = [sys.executable, "-X", "importtime", "-c", f"import {_IMPORTED}"]
    python = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=DEVNULL, stderr=PIPE)
    output = (await python.communicate())[1].decode()
    if python.returncode:
        raise RuntimeError(output[-600:])
    lines = [line.removeprefix("import time:").split("|") for line in output.splitlines() if "import time:" in line]
    microseconds = [int(line[0]) for line in lines if line[0].strip().isdigit()]
    return {"importtime s": sum(microseconds) / 1e6, "modules": len(microseconds)}


METRIC = Metric("start", "cold start: first answer, first outcome, and what is imported", turns, alone=True)
