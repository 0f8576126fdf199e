"""From a seed to a schedule of faults. Pure: the same seed makes the same plan on any machine.

A plan has two acts. In the first everything may be struck, the service included; in the second the service is left to
itself, so that whatever it leaks at each fault adds up in one process.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random


class Fault(StrEnum):
    """What can happen to a service, named as the table of results names it."""

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

OF_LANES = frozenset({Fault.LANE_KILLED, Fault.LANE_STOPPED})
OF_THE_SERVICE = frozenset({Fault.SERVICE_KILLED, Fault.SERVICE_TERMINATED})
STOPS = frozenset({Fault.LANE_STOPPED, Fault.MANAGER_STOPPED})

FIRST_ACT = 0.65
"""The part of all faults that is in the first act."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blow:
    """One moment of the plan: a fault, or two at once."""

    pause_s: float
    """How long after the blow before it, or at the soonest after it."""
    faults: tuple[Fault, ...]
    at_hand_over: bool
    """Strikes the lane that is just writing a large result, or the service while a submission is under way."""
    resumed_after_s: float | None
    """What it stops goes on after so long; None: it is left stopped."""
    again_in_start_s: float | None
    """A service that was struck is struck in the same way once more, so long after the launch of the next one."""
    pick: int
    """Which lane: an index, to be taken modulo the number of lanes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    seed: int
    first: tuple[Blow, ...]
    second: tuple[Blow, ...]


def plan(seed: int, faults: int) -> Plan:
    """A plan of that many faults in all."""
    chance = Random(seed)  # noqa: S311  # not a secret
    first = round(faults * FIRST_ACT)
    return Plan(
        seed=seed,
        first=tuple(_with_a_kill_at_its_end(_act(chance, first, list(Fault)))),
        second=tuple(_act(chance, faults - first, [fault for fault in Fault if fault not in OF_THE_SERVICE])),
    )


def _with_a_kill_at_its_end(blows: list[Blow]) -> list[Blow]:
    """What a start fails to take up is healed by the next start: the last one must have something to take up."""
    if blows:
        faults = (*blows[-1].faults[:-1], Fault.SERVICE_KILLED)
        blows[-1] = replace(blows[-1], faults=faults, again_in_start_s=None)
    return blows


def _act(chance: Random, faults: int, kinds: list[Fault]) -> list[Blow]:
    blows: list[Blow] = []
    while faults > 0:
        at_once = min(faults, 2 if chance.random() < 0.15 else 1)
        blows.append(_blow(chance, at_once, kinds))
        faults -= at_once
    return blows


def _blow(chance: Random, at_once: int, kinds: list[Fault]) -> Blow:
    struck = tuple(chance.choices(kinds, [WEIGHTS[kind] for kind in kinds], k=at_once))
    return Blow(
        pause_s=chance.choice([chance.uniform(0, 0.05), chance.uniform(0.05, 0.4), chance.uniform(0.2, 1.2)]),
        faults=struck,
        at_hand_over=chance.random() < 0.3,
        resumed_after_s=chance.choice([None, chance.uniform(0, 0.3), chance.uniform(0.3, 4)]),
        again_in_start_s=chance.choice([None, chance.uniform(0, 1)]),
        pick=chance.randrange(1 << 16),
    )
