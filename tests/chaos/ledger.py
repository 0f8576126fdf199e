"""What the clients know: every submission, what was answered, and how its job was seen to end."""

from collections import Counter
from dataclasses import dataclass, field

from tests.chaos.work import Work
from tests.support.caller import TERMINAL, Json

LOST_KINDS = {"worker-died", "interrupted"}
"""How a job fails whose last attempt was lost to a fault."""


@dataclass(slots=True)
class Line:
    """One submission. Its label is its own, so a job in any list tells which line it belongs to."""

    label: str
    work: Work
    key: str | None
    """Its idempotency key, by which a submission whose answer was lost is repeated."""
    id: str | None = None
    """The job's id, once a 202 told it."""
    answer_lost: bool = False
    """It had no key and its connection broke: there may be such a job, or not."""
    cancel_sent: bool = False
    end: Json | None = None
    """The job as it was first seen terminal."""
    forgotten: bool = False
    """It was deleted after its end."""


@dataclass(slots=True)
class Ledger:
    lines: dict[str, Line] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    """Labels of submissions that were answered 503: no such job may exist."""
    broken: list[str] = field(default_factory=list)
    """Facts that did not hold, a sentence each."""
    replayed: int = 0
    """How many submissions were repeated with their key."""

    def saw(self, line: Line, job: Json) -> bool:
        """Takes note of a job as it was answered; tells whether it is terminal."""
        if not 0 <= job["attempt"] <= job["max_attempts"]:
            self.broken.append(f"attempts over their maximum: {job}")
        if line.end is not None:
            if job != line.end:
                self.broken.append(f"a terminal job changed: {line.end} became {job}")
        elif job["state"] in TERMINAL:
            line.end = job
            if not _may_end_so(line, job):
                self.broken.append(f"a wrong end: {job}")
        return job["state"] in TERMINAL

    def check_result(self, line: Line, result: bytes) -> None:
        """The whole result of a job that has succeeded."""
        if not line.work.right(result):
            self.broken.append(f"a wrong result of {len(result)} bytes, {result[:100]!r}: {line.end}")

    def states(self) -> Counter[str]:
        """How many accepted jobs ended how."""
        return Counter(str(line.end["state"]) for line in self.lines.values() if line.end is not None)

    def retried(self) -> int:
        """How many jobs needed more than one attempt."""
        return sum(line.end is not None and line.end["attempt"] > 1 for line in self.lines.values())


def _may_end_so(line: Line, job: Json) -> bool:
    match job["state"]:
        case "succeeded":
            return line.work.fails is None and not line.work.cancelled
        case "cancelled":
            return line.cancel_sent
        case _:
            kind = str(job["error"]["type"]).removeprefix("/problems/")
            return kind == line.work.fails if kind not in LOST_KINDS else bool(job["attempt"] == job["max_attempts"])
