"""The filters of a list of jobs, as arguments and as query parameters."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict, Unpack

from offload.client.records import State
from offload.client.request import Pairs


class Filters(TypedDict, total=False):
    """The filters. One that is missing or None does not filter."""

    states: Sequence[State]
    task: str | None
    label: str | None
    batch: str | None
    created_after: datetime | str | None
    created_before: datetime | str | None


def filter_query(**filters: Unpack[Filters]) -> Pairs:
    """Return the query parameters. Raises TypeError for an unknown filter."""
    if unknown := filters.keys() - Filters.__annotations__.keys():
        raise TypeError(f"jobs() got an unexpected keyword argument {min(unknown)!r}")
    states = filters.pop("states", None) or ()
    return (
        *(("state", state) for state in states),
        *((name, _text(value)) for name, value in filters.items() if value is not None),
    )


def _text(value: object) -> str:
    """A time as RFC 3339; one without a zone is in this machine's zone."""
    return value.astimezone().isoformat() if isinstance(value, datetime) else str(value)
