"""The order in which queued jobs start: by priority, then fair between owners, then first come.

Within a batch the most expensive jobs come first. If the longest job started last, the other lanes would be idle at the
end of the batch.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

from offload.jobs.model import Job


def most_expensive_first(jobs: Iterable[Job]) -> Iterator[Job]:
    """Yield jobs in the order in which to queue them: as they come, but the members of a batch by priority and cost.

    The members of a batch must be neighbours. Priority matters here, too: a large batch is queued in slices, and lanes
    take jobs from the first slice before the last one is queued.
    """
    for batch_id, group in groupby(jobs, key=lambda job: job.batch_id):
        neighbours = list(group)
        yield from neighbours if batch_id is None else sorted(neighbours, key=lambda job: (-job.priority, -job.cost))


class _OwnerLine(OrderedDict[str, int]):
    """The queued jobs of one owner at one priority, each with its number: consecutive except for discarded ones."""

    __slots__ = ("owner", "priority")

    def __init__(self, priority: int, owner: str | None) -> None:
        super().__init__()
        self.priority = priority
        self.owner = owner


class FairQueue:
    """Job ids in the order in which they start. Every method is O(priorities + owners); none grows with the jobs.

    Among the owners with jobs at the highest priority, the next is the one whose last turn is longest ago. So an owner
    with 100,000 queued jobs delays another owner's next job by no more than the jobs that run now.
    """

    def __init__(self) -> None:
        self._levels: dict[int, dict[str | None, _OwnerLine]] = {}
        self._lines: dict[str, _OwnerLine] = {}
        self._turns: dict[str | None, int] = {}
        self._turn = 0
        self._counts: dict[int, int] = {}
        self._owned: Counter[str | None] = Counter()

    def __len__(self) -> int:
        return len(self._lines)

    def __contains__(self, job_id: object) -> bool:
        return job_id in self._lines

    def push(self, job_id: str, priority: int, owner: str | None, *, first: bool = False) -> None:
        """Put a job at the end of its owner's line, or at its head (`first`) if it has waited before."""
        owners = self._levels.setdefault(priority, {})
        line = owners.get(owner)
        if line is None:
            line = owners[owner] = _OwnerLine(priority, owner)
        if first:
            line[job_id] = next(iter(line.values()), 0) - 1
            line.move_to_end(job_id, last=False)
        else:
            line[job_id] = next(reversed(line.values()), 0) + 1
        self._lines[job_id] = line
        self._counts[priority] = self._counts.get(priority, 0) + 1
        self._owned[owner] += 1

    def pop(self, wanted: Callable[[str], bool] | None = None) -> str | None:
        """Take the next job. Return None if the queue is empty or if that job is not `wanted`."""
        if not self._lines:
            return None
        owners = self._levels[max(self._levels)]
        owner = min(owners, key=lambda name: self._turns.get(name, 0))
        job_id = next(iter(owners[owner]))
        if wanted is not None and not wanted(job_id):
            return None
        self._turn += 1
        self._turns[owner] = self._turn
        self.discard(job_id)
        return job_id

    def discard(self, job_id: str) -> bool:
        """Take a job out of the queue. Return False if it is not queued."""
        line = self._lines.pop(job_id, None)
        if line is None:
            return False
        del line[job_id]
        self._counts[line.priority] -= 1
        self._owned[line.owner] -= 1
        if not line:
            owners = self._levels[line.priority]
            del owners[line.owner]
            if not owners:
                del self._levels[line.priority], self._counts[line.priority]
        return True

    def position(self, job_id: str) -> int | None:
        """Return about how many queued jobs start before this one; None if it is not queued.

        The number is exact with one owner and no discarded jobs. Otherwise it is an estimate, never more than the jobs
        that could start before it.
        """
        line = self._lines.get(job_id)
        if line is None:
            return None
        own = min(line[job_id] - next(iter(line.values())), len(line) - 1)
        others = min(self._counts[line.priority] - len(line), own * (len(self._levels[line.priority]) - 1))
        return own + others + sum(count for level, count in self._counts.items() if level > line.priority)

    def count(self, owner: str | None) -> int:
        """Return the number of queued jobs of an owner."""
        return self._owned[owner]

    def heads(self) -> Iterator[str]:
        """Yield the next job of each owner at each priority: nearly always the oldest there."""
        for owners in self._levels.values():
            for line in owners.values():
                yield next(iter(line))

    def sizes(self) -> dict[str | None, dict[int, int]]:
        """Return the number of queued jobs by owner and priority."""
        sizes: dict[str | None, dict[int, int]] = {}
        for priority, owners in self._levels.items():
            for owner, line in owners.items():
                sizes.setdefault(owner, {})[priority] = len(line)
        return sizes
