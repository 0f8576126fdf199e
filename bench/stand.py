"""The running contenders, each started when first needed, and the amount of work.

They stay while others have their turns: all of them together use about 5 % of one CPU when idle, half of it Huey.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import Self

from bench import work
from bench.contenders import BARE, NAIVE, OFFLOAD, Contender, Server
from bench.load import ask, converse, post
from bench.shown import id_of, until_ended


@dataclass(frozen=True, slots=True)
class Sizes:
    """The amount of work of a run."""

    repeats: int = 5
    burst: int = 2_000
    requests: int = 5_000
    """Requests of a throughput with many connections."""
    single: int = 500
    """Requests of a latency with one connection."""
    burns: int = 40
    file_mib: int = 512
    grown: int = 100_000
    """Jobs in the long queue of `growth`. The short one has a tenth; the long history has ten times as many."""


QUICK = Sizes(repeats=2, burst=200, requests=500, single=50, burns=8, file_mib=32, grown=1_000)


class Stand:
    """Keeps the running contenders. On exit they end."""

    def __init__(self, sizes: Sizes, peers: tuple[Contender, ...] = ()) -> None:
        self.sizes = sizes
        self.contenders = (OFFLOAD, NAIVE, BARE, *peers)
        self.resources = ExitStack()
        """Closed at the end."""
        self._running: dict[str, tuple[AbstractContextManager[Server], Server]] = {}

    @cached_property
    def rounds_per_ms(self) -> float:
        """The rounds of `work.burn` in a millisecond of CPU on this machine."""
        return work.rounds_of_a_millisecond()

    def that_run(self, *, extra: bool = False) -> list[Contender]:
        """Returns the contenders that run jobs, optionally with those of other settings."""
        return [each for each in self.contenders if each.runs and (extra or not each.extra)]

    async def server(self, contender: Contender) -> Server:
        """Returns the contender's server, started and warm."""
        if contender.name not in self._running:
            manager = contender.start()
            self._running[contender.name] = (manager, manager.__enter__())
            await warm(self._running[contender.name][1])
        return self._running[contender.name][1]

    def end(self, name: str) -> None:
        """Ends that contender's server, if it runs. The next call of `server` starts a new one."""
        if name in self._running:
            self._running.pop(name)[0].__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        with ThreadPoolExecutor() as at_once:  # some take seconds
            list(at_once.map(self.end, list(self._running)))
        self.resources.close()


async def warm(server: Server) -> None:
    """Runs a few jobs, so that all workers have started."""
    for _ in range(8):
        submitted = (await ask(server.port, post("/jobs/noop"))).expect(202)
        await converse(server.port, until_ended(f"/jobs/{id_of(submitted)}"))
