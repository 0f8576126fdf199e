"""What a shell completes from the service: names and ids, within a second or not at all."""

import os
import re
from collections.abc import Callable, Iterable

import typer

from offload.client import Client, OffloadError
from offload.commands.connection import connected_for

WITHIN_S = 1.0

NEWEST = 50

_PLAIN = re.compile(r"[\w.=-]+\Z", re.ASCII)  # zsh evaluates what it is offered


def task_names() -> list[str]:
    """Of all tasks."""
    return _asked(lambda offload: (task.name for task in offload.tasks()))


def job_ids() -> list[str]:
    """Of the newest jobs."""
    return _asked(lambda offload: (job.id for job in offload.jobs(limit=NEWEST)))


def batch_ids() -> list[str]:
    """Of the newest batches."""
    return _asked(lambda offload: (batch.id for batch in offload.batches(limit=NEWEST)))


def param_names(context: typer.Context) -> list[str]:
    """`n=` for each parameter of the task that the line names."""
    task = context.params.get("task")
    return _asked(lambda offload: (f"{name}=" for name in offload.task(str(task)).params["properties"])) if task else []


def _asked(names: Callable[[Client], Iterable[str]]) -> list[str]:
    try:
        with connected_for(os.environ.get("OFFLOAD_URL"), timeout_s=WITHIN_S, patience_s=0) as offload:
            return [name for name in names(offload) if _PLAIN.match(name)]
    except (OffloadError, typer.TyperException):
        return []
