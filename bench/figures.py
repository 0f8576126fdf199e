"""Measured figures: medians, ranges, ratios."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of one contender: a value for each repeat, oldest first. The name ends with the unit."""

    metric: str
    contender: str
    name: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def least(self) -> float:
        return min(self.values)

    @property
    def most(self) -> float:
        return max(self.values)

    @property
    def more_is_better(self) -> bool:
        """Rates are per second; everything else is time or memory."""
        return self.name.endswith("/s")


def ratio(ours: Figure, theirs: Figure) -> float:
    """Returns ours divided by theirs: the median of the ratios within each repeat, which is robust against drift.

    If one of them lacks repeats, the ratio of the medians.
    """
    if len(ours.values) == len(theirs.values):
        return statistics.median(a / b for a, b in zip(ours.values, theirs.values, strict=True))
    return ours.median / theirs.median


@dataclass(frozen=True, slots=True)
class Results:
    """A whole run."""

    machine: Mapping[str, str]
    """The machine and the versions, in words."""
    figures: Sequence[Figure] = ()
    remarks: Sequence[str] = ()
    """One sentence for each measurement that failed."""
    keeps: Mapping[str, str] = field(default_factory=dict)
    """Where each contender keeps what it accepted."""

    def find(self, metric: str, contender: str, name: str) -> Figure | None:
        wanted = (metric, contender, name)
        return next((each for each in self.figures if (each.metric, each.contender, each.name) == wanted), None)

    def of(self, metric: str, name: str) -> list[Figure]:
        """Returns this figure of each contender."""
        return [each for each in self.figures if (each.metric, each.name) == (metric, name)]

    def write(self, path: Path) -> None:
        """Writes JSON, with medians for other programs."""
        figures = [{**asdict(each), "median": each.median} for each in self.figures]
        path.write_text(json.dumps({**asdict(self), "figures": figures}, indent=1) + "\n")


def together(runs: Sequence[Results]) -> Results:
    """Merges several runs. For a metric of more than one run, the last one counts."""
    last = {figure.metric: number for number, run in enumerate(runs) for figure in run.figures}
    return Results(
        machine={what: value for run in runs for what, value in run.machine.items()},
        figures=[figure for number, run in enumerate(runs) for figure in run.figures if last[figure.metric] == number],
        remarks=[remark for run in runs for remark in run.remarks],
        keeps={name: keeps for run in runs for name, keeps in run.keeps.items()},
    )


def read(path: Path) -> Results:
    """Reads what `Results.write` has written."""
    data = json.loads(path.read_text())
    figures = [
        Figure(each["metric"], each["contender"], each["name"], tuple(each["values"])) for each in data["figures"]
    ]
    return Results(data["machine"], figures, data["remarks"], data["keeps"])
