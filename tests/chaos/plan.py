"""Makes a schedule of faults from a seed. The same seed makes the same plan on any machine.

A plan has two phases. The first has faults of all kinds. The second has none that ends the service itself, so that
leaks add up in one process.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random


class Fault(StrEnum):
    """The kinds of fault, by their names in the table of results."""

    LANE_KILLED = "SIGKILL of a lane"
    LANE_STOPPED = "SIGSTOP of a lane"
    MANAGER_KILLED = "SIGKILL of the Manager"
    MANAGER_STOPPED = "SIGSTOP of the Manager"
    FORKSERVER_KILLED = "SIGKILL of the forkserver"
    SERVICE_STOPPED = "SIGSTOP of the service, and SIGCONT"
    JOURNAL_LOCKED = "journal locked for some seconds"
    NO_PROCESS = "no process can be made, a lane killed"
    FILES_LEFT = "task that leaves 300 files open"
    PROCESS_LEFT = "task that leaves a process, new session"
    PROGRAM_CHANGED = "task that becomes another program"
    READS_NOTHING = "requests without end, nothing read"
    HOSTILE_HEADERS = "hostile headers"
    BATCH_CANCELLED = "members cancelled while they arrive"
    SERVICE_KILLED = "SIGKILL of the service"
    START_KILLED = "SIGKILL of a starting service"
    KILLED_BY_TASK = "task that kills the service"
    SERVICE_TERMINATED = "SIGTERM of the service"
    START_TERMINATED = "SIGTERM of a starting service"
    LOCKED_TERMINATED = "SIGTERM while the journal is locked"


WEIGHTS = {
    Fault.LANE_KILLED: 36,
    Fault.LANE_STOPPED: 10,
    Fault.MANAGER_KILLED: 6,
    Fault.MANAGER_STOPPED: 4,
    Fault.FORKSERVER_KILLED: 7,
    Fault.SERVICE_STOPPED: 3,
    Fault.JOURNAL_LOCKED: 2,
    Fault.NO_PROCESS: 5,
    Fault.FILES_LEFT: 3,
    Fault.PROCESS_LEFT: 3,
    Fault.PROGRAM_CHANGED: 2,
    Fault.READS_NOTHING: 2,
    Fault.HOSTILE_HEADERS: 2,
    Fault.BATCH_CANCELLED: 2,
    Fault.SERVICE_KILLED: 9,
    Fault.START_KILLED: 4,
    Fault.KILLED_BY_TASK: 3,
    Fault.SERVICE_TERMINATED: 4,
    Fault.START_TERMINATED: 2,
    Fault.LOCKED_TERMINATED: 2,
}

LANE_FAULTS = frozenset({Fault.LANE_KILLED, Fault.LANE_STOPPED, Fault.NO_PROCESS})
PART_FAULTS = frozenset(
    {Fault.LANE_KILLED, Fault.LANE_STOPPED, Fault.MANAGER_KILLED, Fault.MANAGER_STOPPED, Fault.FORKSERVER_KILLED}
)
STOP_FAULTS = frozenset({Fault.LANE_STOPPED, Fault.MANAGER_STOPPED})
SERVICE_FAULTS = frozenset(
    {
        Fault.SERVICE_KILLED,
        Fault.START_KILLED,
        Fault.KILLED_BY_TASK,
        Fault.SERVICE_TERMINATED,
        Fault.START_TERMINATED,
        Fault.LOCKED_TERMINATED,
    }
)
"""The faults that end the service. A new one is started after each."""

FIRST_PHASE = 0.65
"""The fraction of all faults that is in the first phase."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """One moment of the plan: one fault, or two at once."""

    pause_s: float
    """Seconds after the previous injection, at least."""
    faults: tuple[Fault, ...]
    aimed: bool
    """Waits for a lane that writes a large result, or for a submission in progress."""
    resumed_after_s: float | None
    """A stopped process resumes, and a locked journal is unlocked, after so many seconds; None: it stays so."""
    in_start_s: float
    """A fault of a starting service hits it so many seconds after its launch."""
    pick: int
    """Chooses the lane, modulo the number of lanes, and the `max_attempts` of a task that kills the service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    seed: int
    first: tuple[Injection, ...]
    second: tuple[Injection, ...]


def plan(seed: int, faults: int) -> Plan:
    """Returns a plan with this number of faults in all."""
    chance = Random(seed)  # noqa: S311  # not a secret
    first = round(faults * FIRST_PHASE)
    return Plan(
        seed=seed,
        first=tuple(_with_a_last_kill(_phase(chance, first, list(Fault)))),
        second=tuple(_phase(chance, faults - first, [fault for fault in Fault if fault not in SERVICE_FAULTS])),
    )


def _with_a_last_kill(injections: list[Injection]) -> list[Injection]:
    """A start would repair what the previous start failed to recover. So the last start follows a kill."""
    if injections:
        faults = (*injections[-1].faults[:-1], Fault.SERVICE_KILLED)
        injections[-1] = replace(injections[-1], faults=faults)
    return injections


def _phase(chance: Random, faults: int, kinds: list[Fault]) -> list[Injection]:
    injections: list[Injection] = []
    while faults > 0:
        at_once = min(faults, 2 if chance.random() < 0.15 else 1)
        injections.append(_injection(chance, at_once, kinds))
        faults -= at_once
    return injections


def _injection(chance: Random, at_once: int, kinds: list[Fault]) -> Injection:
    chosen = tuple(chance.choices(kinds, [WEIGHTS[kind] for kind in kinds], k=at_once))
    return Injection(
        pause_s=chance.choice([chance.uniform(0, 0.05), chance.uniform(0.05, 0.4), chance.uniform(0.2, 1.2)]),
        faults=chosen,
        aimed=chance.random() < 0.3,
        resumed_after_s=chance.choice([None, chance.uniform(0, 0.3), chance.uniform(0.3, 4)]),
        in_start_s=chance.uniform(0, 1),
        pick=chance.randrange(1 << 16),
    )
