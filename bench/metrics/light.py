"""A light request while every core is busy: how long the poll of a finished job takes, one each 5 ms."""

from collections.abc import Mapping
from functools import partial

from bench.contenders import Contender
from bench.load import Conversation, converse, get, load, post, quantile_ms
from bench.metrics.cpu import burn
from bench.runner import Metric, Turn
from bench.shown import has_ended, id_of
from bench.stand import Stand

_PAUSE_S = 0.005
_LOOK_EACH = 20


def turns(stand: Stand) -> list[Turn]:
    return [Turn(each.name, partial(_light, stand, each)) for each in stand.that_run()]


async def _light(stand: Stand, contender: Contender) -> Mapping[str, float]:
    server = await stand.server(contender)
    finished = (await load(server.port, [post("/jobs/noop")], connections=1)).answers[0]
    busy = await load(server.port, [burn(stand, 80)] * (2 * stand.sizes.burns), connections=8)
    seconds: list[float] = []
    await converse(server.port, _while_busy(id_of(finished), id_of(busy.answers[-1].expect(202)), seconds), within=100)
    return {"p50 ms": quantile_ms(seconds, 0.5), "p99 ms": quantile_ms(seconds, 0.99)}


def _while_busy(finished: str, last: str, seconds: list[float]) -> Conversation:
    """Polls the finished job, and sometimes checks whether the last busy one has ended."""
    while not has_ended((yield get(f"/jobs/{last}"))):
        for _ in range(_LOOK_EACH):
            seconds.append((yield get(f"/jobs/{finished}")).expect(200).seconds)
            yield _PAUSE_S
    if not seconds:
        raise RuntimeError("the work was done before a request could be made")


METRIC = Metric("light", "a light GET while every core is busy", turns)
