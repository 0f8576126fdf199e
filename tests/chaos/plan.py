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
    SERVICE_KILLED = "SIGKILL of the service"
    SERVICE_TERMINATED = "SIGTERM of the service"


WEIGHTS = {
    Fault.LANE_KILLED: 48,
    Fault.LANE_STOPPED: 12,
    Fault.MANAGER_KILLED: 8,
    Fault.MANAGER_STOPPED: 4,
    Fault.FORKSERVER_KILLED: 8,
    Fault.SERVICE_KILLED: 13,
    Fault.SERVICE_TERMINATED: 7,
}

LANE_FAULTS = frozenset({Fault.LANE_KILLED, Fault.LANE_STOPPED})
SERVICE_FAULTS = frozenset({Fault.SERVICE_KILLED, Fault.SERVICE_TERMINATED})
STOP_FAULTS = frozenset({Fault.LANE_STOPPED, Fault.MANAGER_STOPPED})

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
    """A stopped process resumes after so many seconds; None: it stays stopped."""
    repeated_in_start_s: float | None
    """The same fault hits the next service, so many seconds after its launch."""
    pick: int
    """Chooses the lane: an index modulo the number of lanes."""


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
        injections[-1] = replace(injections[-1], faults=faults, repeated_in_start_s=None)
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
        repeated_in_start_s=chance.choice([None, chance.uniform(0, 1)]),
        pick=chance.randrange(1 << 16),
    )
