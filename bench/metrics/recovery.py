"""How soon a killed lane is back: from the SIGKILL until all lanes are idle again."""

import json
import os
import signal
import time
from collections.abc import Mapping
from functools import partial

from bench.contenders import OFFLOAD
from bench.load import Conversation, converse, get
from bench.runner import Metric, Turn
from bench.stand import Stand


def turns(stand: Stand) -> list[Turn]:
    return [Turn(OFFLOAD.name, partial(_recovery, stand))]


async def _recovery(stand: Stand) -> Mapping[str, float]:
    server = await stand.server(OFFLOAD)
    pids: list[int] = []
    await converse(server.port, _all_idle(pids, but=0))
    begin = time.perf_counter()
    os.kill(pids[0], signal.SIGKILL)
    await converse(server.port, _all_idle([], but=pids[0]))
    return {"ms": (time.perf_counter() - begin) * 1000}


def _all_idle(pids: list[int], but: int) -> Conversation:
    """Polls until every lane is idle and none is the process `but`. Records their processes."""
    while True:
        lanes = json.loads((yield get("/stats")).expect(200).body)["lanes"]
        if all(lane["state"] == "idle" and lane["pid"] != but for lane in lanes):
            pids += [lane["pid"] for lane in lanes]
            return
        yield 0.002


METRIC = Metric("recovery", "a killed lane: until all lanes are idle again", turns)
