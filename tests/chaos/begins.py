"""How often each job really began, as its tasks have recorded it, compared with what the service says."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from tests.chaos.ledger import Ledger, Line

Begins = Mapping[str, Sequence[float]]
"""The times (seconds since the epoch) at which the job of each label began, in order."""


def read_begins(file: Path) -> Begins:
    """Reads the file that the tasks write. Every line must be whole."""
    begins: dict[str, list[float]] = defaultdict(list)
    for line in file.read_text().splitlines():
        mark, at = line.split(" ")
        begins[mark].append(float(at))
    return {mark: sorted(times) for mark, times in begins.items()}


def check_begins(ledger: Ledger, begins: Begins, stops: Sequence[float]) -> list[str]:
    """Compares every job that has ended. `stops` are the times of each SIGTERM to the service."""
    broken = [f"a refused submission began: {label}" for label in ledger.refused & begins.keys()]
    for label, line in ledger.lines.items():
        if line.end is None or not line.work.counted:
            continue
        times = begins.get(label, ())
        used = attempts_used(times, stops, _end_of(line))
        if used > line.end["max_attempts"]:
            broken.append(f"began too often: {used} times of {line.end['max_attempts']}: {line.end}")
        elif used > line.end["attempt"]:
            broken.append(f"miscounted: began {used} times, but the record says {line.end['attempt']}: {line.end}")
        if line.end["state"] == "succeeded" and not times:
            broken.append(f"succeeded, but never began: {line.end}")
    return broken


def attempts_used(times: Sequence[float], stops: Sequence[float], end: float) -> int:
    """Returns how many of these beginnings count as attempts.

    A graceful stop requeues the jobs that run, and uses up no attempt. So a beginning does not count if a stop came
    before the next one, or before the end of the job.
    """
    nexts = [*times[1:], end]
    return sum(not any(begun <= stop <= later for stop in stops) for begun, later in zip(times, nexts, strict=False))


def times_begun(ledger: Ledger, begins: Begins) -> Counter[int]:
    """Returns how many jobs began never, once, twice, …"""
    return Counter(len(begins.get(label, ())) for label, line in ledger.lines.items() if line.end and line.work.counted)


def _end_of(line: Line) -> float:
    assert line.end is not None
    return datetime.fromisoformat(line.end["finished_at"]).timestamp()
