"""The durations of a run."""

from collections import defaultdict


class Times:
    """Durations by name, in seconds."""

    def __init__(self) -> None:
        self._all: dict[str, list[float]] = defaultdict(list)

    def took(self, what: str, seconds: float) -> None:
        self._all[what].append(seconds)

    def worst(self) -> dict[str, tuple[int, float, float]]:
        """Returns for each name the number of measurements, the median and the longest."""
        return {what: (len(all_), sorted(all_)[len(all_) // 2], max(all_)) for what, all_ in self._all.items()}
