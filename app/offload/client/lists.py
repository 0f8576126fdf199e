"""Lists of any length, a page at a time, as they are iterated."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict

from offload.client import calls
from offload.client.asking import ask
from offload.client.patience import Service
from offload.client.records import State
from offload.client.steps import Steps, Tell

PAGE = 200
"""Jobs in a page. With results inline, these may be 3 MB."""


class Filters(TypedDict, total=False):
    """What `where` takes, as arguments by name."""

    states: Sequence[State]
    task: str | None
    label: str | None
    batch: str | None
    created_after: datetime | str | None
    created_before: datetime | str | None


def where(
    *,
    states: Sequence[State] = (),
    task: str | None = None,
    label: str | None = None,
    batch: str | None = None,
    created_after: datetime | str | None = None,
    created_before: datetime | str | None = None,
) -> calls.Query:
    """Which jobs; what is left out does not filter."""
    named = {
        "task": task,
        "label": label,
        "batch": batch,
        "created_after": None if created_after is None else calls.moment(created_after),
        "created_before": None if created_before is None else calls.moment(created_before),
    }
    return (
        *(("state", state) for state in states),
        *((name, value) for name, value in named.items() if value is not None),
    )


def jobs(service: Service, which: calls.Query, limit: int | None) -> Steps[None]:
    """Tells jobs, newest first; at most `limit`."""
    cursor, left = None, limit
    while left is None or left > 0:
        page = yield from ask(service, calls.jobs(which, limit=min(PAGE, left or PAGE), cursor=cursor))
        for job in page.jobs[:left]:
            yield Tell(job)
        left = None if left is None else left - len(page.jobs)
        if (cursor := page.next) is None:
            return


def batches(service: Service, limit: int | None) -> Steps[None]:
    """Tells batches, newest first; at most `limit`."""
    cursor, left = None, limit
    while left is None or left > 0:
        page = yield from ask(service, calls.batches(limit=min(PAGE, left or PAGE), cursor=cursor))
        for batch in page.batches[:left]:
            yield Tell(batch)
        left = None if left is None else left - len(page.batches)
        if (cursor := page.next) is None:
            return
