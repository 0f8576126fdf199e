"""Which jobs have changed, each named once, in the order of their newest changes.

A reader is nothing but a position: the number of the last change that it knows of. However far behind it is, it costs
no memory here, and it is told of a job that has changed ten times since only once, as the job is now.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

MOST = 50_000
"""Jobs that are remembered: 16 MiB, where that many change while somebody listens; ten seconds of the highest load."""

AT_ONCE = 10_000
"""Numbers that one step walks through: about a millisecond, where they are all of changes that newer ones replaced."""


class Change(NamedTuple):
    """The newest change of a job."""

    number: int
    job_id: str
    owner: str | None
    gone: bool
    """True where the job has been forgotten."""


class ChangeLog:
    """The newest change of each of the `most` jobs that changed last, by its number. Numbers only grow."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._changes: OrderedDict[int, tuple[str, str | None, bool]] = OrderedDict()
        self._newest: dict[str, int] = {}
        self.last = 0
        """The number of the newest change."""
        self.floor = 0
        """Who knows only of what was before this one can't be told all that has changed since."""

    def __len__(self) -> int:
        return len(self._changes)

    def note(self, job_id: str, owner: str | None, *, gone: bool = False) -> None:
        """Remembers a change of a job in place of its earlier ones."""
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
        """True where all that has changed since a position can be told."""
        return self.floor <= position <= self.last

    def after(self, position: int, upto: int) -> Iterator[Change]:
        """The newest changes with numbers after `position` up to `upto`, in their order.

        To be used up before anything is noted.
        """
        for number in range(position + 1, upto + 1):
            if (change := self._changes.get(number)) is not None:
                yield Change(number, *change)

    def is_newest(self, change: Change) -> bool:
        """True where nothing has changed about that job since."""
        return self._newest.get(change.job_id) == change.number

    def forget(self) -> None:
        """Forgets all changes: nobody who knew of some can be told the rest."""
        self._changes.clear()
        self._newest.clear()
        self.last = self.floor = self.last + 1
