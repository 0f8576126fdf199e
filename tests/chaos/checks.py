"""What must hold when a run is over. Each check returns one sentence for each failure."""

import contextlib
import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import psutil

from tests.chaos.ledger import Ledger
from tests.chaos.plan import Fault
from tests.chaos.service import ChaosServer
from tests.chaos.times import Times
from tests.support import traces
from tests.support.caller import Json
from tests.support.waiting import NotInTimeError, until_sync

MORE_DESCRIPTORS = 8
MORE_THREADS = 8
MORE_MIB = 48
MORE_RUN_FILES = 4
"""How much a service may grow between two quiet moments: caches and pools fill."""

GOES_WITHIN_S = 10.0

OWN_SEMAPHORES = re.compile(r"/dev/shm/sem\.offload-[0-9a-f]+-[0-9a-f]+-")
"""How the names of one server's own semaphores begin. Those of a lane continue with its pid."""

UNCOLLECTED = 12
"""How many of its own semaphores a service may keep for lanes that it has replaced."""

LOG_LINES = 40
"""How much of the log is shown from an error on."""

NEVER = "never retrieved"
"""asyncio's words for a task that has failed unseen: no fault excuses it."""

LOCKED = ("database is locked", "the journal's lock")
MESSAGES = {
    Fault.NO_PROCESS: ("can't start new thread", "Resource temporarily unavailable"),
    Fault.JOURNAL_LOCKED: LOCKED,
    Fault.LOCKED_TERMINATED: (*LOCKED, "graceful shutdown exceeded"),
}

CANCEL, NOTICED, RECOVERED = "cancel", "death of a lane noticed", "all lanes back after it"
HEALTH = "/health/live, meanwhile hostile clients"
MOST_S = {CANCEL: 5.0, NOTICED: 5.0, RECOVERED: 30.0, HEALTH: 5.0}
"""The promise is one second. Here clients, faults and lanes share two cores."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What the server's process uses at a quiet moment. Connections of clients do not count."""

    descriptors: int
    threads: int
    mib: int
    run_files: int
    """What the service keeps in `run/`, such as sockets."""

    @classmethod
    def of(cls, server: ChaosServer) -> "Resources":
        process = psutil.Process(server.process.pid)
        connections = [one for one in process.net_connections("inet") if one.status != psutil.CONN_LISTEN]
        return cls(
            descriptors=process.num_fds() - len(connections),
            threads=process.num_threads(),
            mib=process.memory_info().rss >> 20,
            run_files=len(list((server.data_dir / "run").rglob("*"))),
        )

    def grown(self, before: "Resources") -> list[str]:
        """Returns what has grown too much."""
        broken = []
        if self.descriptors > before.descriptors + MORE_DESCRIPTORS:
            broken.append(f"descriptors of the service: {before.descriptors}, then {self.descriptors}")
        if self.threads > before.threads + MORE_THREADS:
            broken.append(f"threads of the service: {before.threads}, then {self.threads}")
        if self.mib > before.mib + MORE_MIB:
            broken.append(f"memory of the service: {before.mib} MiB, then {self.mib}")
        if self.run_files > before.run_files + MORE_RUN_FILES:
            broken.append(f"files in run/: {before.run_files}, then {self.run_files}")
        return broken


def check_times(times: Times) -> list[str]:
    """Returns what took too long."""
    return [
        f"too slow: {what} took {longest:.1f} s"
        for what, (_, _, longest) in times.worst().items()
        if longest > MOST_S.get(what, longest)
    ]


def check_jobs(ledger: Ledger, jobs: list[Json]) -> list[str]:
    """Compares the service's list of jobs with the clients' ledger."""
    broken = []
    by_label = {job["labels"][0]: job for job in jobs}
    for label, count in Counter(job["labels"][0] for job in jobs).items():
        if count > 1:
            broken.append(f"doubled: the submission {label} became {count} jobs")
        if label in ledger.refused:
            broken.append(f"a refused submission became a job: {by_label[label]}")
        elif label not in ledger.lines:
            broken.append(f"a job that no client submitted: {by_label[label]}")
    for line in ledger.lines.values():
        there = line.label in by_label
        if line.id is not None and there == line.deleted:
            broken.append(f"{'deleted, but listed' if there else 'lost'}: job {line.id} of submission {line.label}")
        if line.id is not None and line.end is None:
            broken.append(f"stuck: job {line.id} of submission {line.label}: {by_label.get(line.label)}")
    return broken


def check_files(server: ChaosServer, ledger: Ledger) -> list[str]:
    """Checks the files that are left after an orderly end."""
    kept = {
        f"{line.id}.{line.end['attempt']}.json"
        for line in ledger.lines.values()
        if line.end is not None and not line.deleted and line.end["state"] == "succeeded" and line.end["result"] is None
    }
    results = {path.name for path in (server.data_dir / "results").iterdir()}
    uploads = {path.name for path in (server.data_dir / "uploads").iterdir()}
    halves = {name for name in uploads if {name.removesuffix(".json"), name.removesuffix(".json") + ".json"} - uploads}
    rest = [*(server.data_dir / "run").glob("**/*"), *server.tmp.iterdir()]
    return [
        *(f"left behind: the result file {name}" for name in sorted(results - kept)),
        *(f"lost: the result file {name}" for name in sorted(kept - results)),
        *(f"left behind: half an upload, {name}" for name in sorted(halves)),
        *(f"left behind: {path}" for path in rest),
    ]


def check_leftovers(server: ChaosServer) -> list[str]:
    """Checks that a quiet service has no process of a job that has ended, and no semaphore of a dead process."""
    return _left(lambda: [*server.strays(), *_forgotten_semaphores(server)])


def _forgotten_semaphores(server: ChaosServer) -> set[str]:
    """Returns the semaphores that no process of the service has open, but for a few of the server's own.

    The server itself opens its semaphores under another name, and keeps those of a replaced lane until Python's
    collector runs.
    """
    used = traces.semaphores(server.family())
    own = {found[0] for name in used if (found := OWN_SEMAPHORES.match(name))}
    unused = set(server.semaphores_left()) - used
    waiting = {name for name in unused if (found := OWN_SEMAPHORES.match(name)) and found[0] in own}
    return unused if len(waiting) > UNCOLLECTED else unused - waiting


def check_processes(server: ChaosServer) -> list[str]:
    """Checks that no process and no semaphore of any service of the run is left."""
    return _left(lambda: [*server.family(), *server.strays(), *server.semaphores_left()])


def _left(find: Callable[[], Sequence[object]]) -> list[str]:
    with contextlib.suppress(NotInTimeError):
        until_sync(lambda: not find(), within=GOES_WITHIN_S)
    return [f"left behind: {one}" for one in find()]


def check_log(server: ChaosServer, injected: Collection[Fault]) -> list[str]:
    """Checks that the log has no error but the messages of the kernel and of SQLite that the injected faults cause."""
    expected = [text for fault in injected for text in MESSAGES.get(fault, ())]
    lines = server.stderr.splitlines()
    broken, shown = [], 0
    for number, line in enumerate(lines):
        if number < shown or not any(sign in line for sign in ("Traceback", "[error", "[critical")):
            continue
        shown = number + LOG_LINES
        text = " | ".join(lines[max(0, number - 3) : shown])
        if NEVER in text or not any(message in text for message in expected):
            broken.append(f"the log: {text}")
    return broken
