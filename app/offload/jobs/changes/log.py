"""Which jobs have changed, each named once, in the order of their newest changes.

A reader is only a position: the number of the last change that it has read. However far behind it is, it costs no
memory here, and it reads a job that has changed ten times since only once, as the job is now.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

MOST = 50_000
"""The most jobs in the log: about 16 MiB, and ten seconds of the highest load."""

SLICE = 10_000
"""Numbers that a reader goes through before other work has its turn: about a millisecond at worst."""


class Change(NamedTuple):
    """The newest change of a job."""

    number: int
    job_id: str
    owner: str | None
    gone: bool
    """True if the job was deleted."""


class ChangeLog:
    """The newest change of each of the `most` jobs that changed last, by its number. Numbers only grow."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._changes: OrderedDict[int, tuple[str, str | None, bool]] = OrderedDict()
        self._newest: dict[str, int] = {}
        self.last = 0
        """The number of the newest change."""
        self.floor = 0
        """The log may be incomplete for a reader whose position is before this number."""

    def __len__(self) -> int:
        return len(self._changes)

    def note(self, job_id: str, owner: str | None, *, gone: bool = False) -> None:
        """Add a change of a job, in place of its earlier changes."""
        self.last = number = self.last + 1
        before = self._newest.get(job_id)
        if before is not None:
            del self._changes[before]
        elif len(self._changes) == self._most:
            self.floor, (oldest, _, _) = self._changes.popitem(last=False)
            del self._newest[oldest]
        self._newest[job_id] = number
        self._changes[number] = (job_id, owner, gone)

    def knows(self, position: int) -> bool:
        """Return True if the log has all changes since a position."""
        return self.floor <= position <= self.last

    def after(self, position: int, upto: int) -> Iterator[Change]:
        """Yield the newest changes with numbers after `position` up to `upto`, in order.

        Exhaust the iterator before the next `note`.
        """
        for number in range(position + 1, upto + 1):
            if (change := self._changes.get(number)) is not None:
                yield Change(number, *change)

    def is_newest(self, change: Change) -> bool:
        """Return True if the job has not changed since."""
        return self._newest.get(change.job_id) == change.number

    def forget(self) -> None:
        """Drop all changes. No earlier position can be continued."""
        self._changes.clear()
        self._newest.clear()
        self.last = self.floor = self.last + 1
