"""The longest that anything took."""

from collections import defaultdict


class Times:
    """By name, in seconds."""

    def __init__(self) -> None:
        self._all: dict[str, list[float]] = defaultdict(list)

    def took(self, what: str, seconds: float) -> None:
        self._all[what].append(seconds)

    def worst(self) -> dict[str, tuple[int, float, float]]:
        """For each name: how often it was measured, the median, the longest."""
        return {what: (len(all_), sorted(all_)[len(all_) // 2], max(all_)) for what, all_ in self._all.items()}
