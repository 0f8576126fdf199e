"""What the clients know: every submission, its response, and the end of its job."""

from collections import Counter
from dataclasses import dataclass, field

from tests.chaos.load.work import Work
from tests.support.caller import TERMINAL, Json

LOST_KINDS = {"worker-died", "interrupted"}
"""The kinds of failure of a job whose last attempt was lost to a fault."""


@dataclass(slots=True)
class Line:
    """One submission. Its label is unique, so that each job can be matched to its line."""

    label: str
    work: Work
    key: str | None
    """Its idempotency key. A submission with a key is repeated if its response was lost."""
    id: str | None = None
    """The job's id, once there was a 202."""
    response_lost: bool = False
    """It had no key and its connection broke: the job may exist or not."""
    cancel_sent: bool = False
    end: Json | None = None
    """The job as it was first seen terminal."""
    deleted: bool = False
    """The job was deleted after its end."""


@dataclass(slots=True)
class Ledger:
    lines: dict[str, Line] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    """Labels of submissions with a 503 response: no such job may exist."""
    broken: list[str] = field(default_factory=list)
    """One sentence for each failed check."""
    arriving_cancelled: int = 0
    """The number of members that were cancelled while their batch arrived."""
    replayed: int = 0
    """The number of submissions that were repeated with their key."""

    def note(self, line: Line, job: Json) -> bool:
        """Records a job from a response. Returns True if the job is terminal."""
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
        """Checks the complete result of a succeeded job."""
        if not line.work.is_result(result):
            self.broken.append(f"a wrong result of {len(result)} bytes, {result[:100]!r}: {line.end}")

    def states(self) -> Counter[str]:
        """Returns how many accepted jobs ended in each state."""
        return Counter(str(line.end["state"]) for line in self.lines.values() if line.end is not None)

    def jobs_retried(self) -> int:
        """Returns how many jobs needed more than one attempt."""
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
