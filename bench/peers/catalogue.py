"""The peers: versions, broker, and the commands of their two worker processes, as each one's documentation has them."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.contenders import LIVE, WORKERS, Contender, Server, web
from bench.peers import brokers
from bench.peers.brokers import Broker
from bench.peers.environments import CACHE, Environment
from bench.processes import answers, free_port, running


@dataclass(frozen=True, slots=True)
class Peer:
    """Another queue. Its adapter is `bench/peers/<name>.py`, which runs in its environment."""

    name: str
    title: str
    packages: tuple[str, ...]
    workers: tuple[tuple[str, ...], ...]
    """The arguments of Python for each process beside the HTTP app."""
    keeps: str
    broker: Callable[[], AbstractContextManager[Broker]]
    other: tuple[str, str, Callable[[], AbstractContextManager[Broker]]] | None = None
    """Title, where jobs are kept, and broker of its other setting."""

    @property
    def version(self) -> str:
        return self.packages[0].partition("==")[2]

    def environment(self, cache: Path = CACHE) -> Environment:
        return Environment(self.name, self.packages, cache)

    def contenders(self, cache: Path = CACHE) -> list[Contender]:
        """Itself, and with its other setting."""
        environment = self.environment(cache)
        found = [Contender(self.title, self.keeps, partial(_start, self, environment, self.broker))]
        if self.other:
            title, keeps, broker = self.other
            found.append(Contender(title, keeps, partial(_start, self, environment, broker), extra=True))
        return found


def _on_redis(name: str, title: str, packages: tuple[str, ...], *workers: tuple[str, ...]) -> Peer:
    other = (f"{title}, Redis default", "periodic snapshots", brokers.redis_default)
    return Peer(name, title, packages, workers, "on disk: Redis, fsync", brokers.redis_fsync, other)


_QUIET = ("--log-level", "WARNING")

PEERS = (
    _on_redis(
        "celery",
        "Celery",
        ("celery[redis]==5.7.0",),
        ("-m", "celery", "-A", "bench.peers.celery", "worker", "--concurrency", str(WORKERS), "--loglevel", "WARNING"),
    ),
    _on_redis(
        "taskiq",
        "Taskiq",
        ("taskiq==0.13.0", "taskiq-redis==1.2.4"),
        ("-m", "taskiq", "worker", "bench.peers.taskiq:broker", "--workers", str(WORKERS), *_QUIET),
    ),
    _on_redis(
        "rq",
        "RQ",
        ("rq==3.0.0",),
        ("-m", "rq.cli", "worker-pool", "--num-workers", str(WORKERS), "--logging-level", "WARNING"),
    ),
    _on_redis(
        "dramatiq",
        "Dramatiq",
        ("dramatiq[redis]==2.2.1",),
        ("-m", "dramatiq", "bench.peers.dramatiq", "--processes", str(WORKERS)),
    ),
    Peer(
        "huey",
        "Huey",
        ("huey==3.5.4",),
        (
            # It polls, by default at growing intervals. Here every 10 ms.
            (
                *("-m", "huey.bin.huey_consumer", "bench.peers.huey.queue", "--workers", str(WORKERS)),
                *("--worker-type", "process", "--delay", "0.01", "--max-delay", "0.01", "--quiet"),
            ),
        ),
        "on disk: SQLite, fsync",
        brokers.file,
    ),
    Peer(
        "procrastinate",
        "Procrastinate",
        ("procrastinate[psycopg_binary]==3.10.0",),
        WORKERS * (("-m", "procrastinate", "--app", "bench.peers.procrastinate.queue", "worker"),),
        "on disk: PostgreSQL, fsync",
        brokers.postgres,
    ),
)


@contextmanager
def _start(
    peer: Peer, environment: Environment, broker: Callable[[], AbstractContextManager[Broker]]
) -> Iterator[Server]:
    """Starts the broker, then, timed, the HTTP app and the workers together."""
    with ExitStack() as stack:
        behind = stack.enter_context(broker())
        here = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="offload-bench-peer-")))
        variables = {"BENCH_PEER": peer.name, "BENCH_BROKER": behind.address, "RQ_REDIS_URL": behind.address}
        run = partial(running, environment={**variables, **_search_path(environment)})
        if peer.name == "procrastinate":
            stack.enter_context(run([environment.python, "-m", "bench.peers.procrastinate"], here / "schema")).wait(60)
        port, log, started = free_port(), here / "web", time.perf_counter()
        app = stack.enter_context(run([*web(environment.python, "bench.peers.web:app", port)], log))
        processes = [
            stack.enter_context(run([environment.python, *arguments], here / f"worker-{number}"))
            for number, arguments in enumerate(peer.workers)
        ]
        answers(port, LIVE, app, log)
        yield Server(port, (app, *processes, *behind.processes), started, time.perf_counter() - started)


def _search_path(environment: Environment) -> dict[str, str]:
    """Its own programs first: some workers start others by name."""
    return {"PATH": f"{environment.python.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
