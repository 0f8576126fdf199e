"""Shell completion: names and ids that the service knows, within a second or none."""

import os
import re
from collections.abc import Callable, Iterable

import typer

from offload.client import Client, OffloadError
from offload.commands.arguments.service import client_with

TIMEOUT_S = 1.0

NEWEST = 50

_PLAIN = re.compile(r"[\w.=-]+\Z", re.ASCII)  # zsh evaluates the words that it is offered


def task_names() -> list[str]:
    """The names of all tasks."""
    return _completions(lambda offload: (task.name for task in offload.tasks()))


def job_ids() -> list[str]:
    """The ids of the newest jobs."""
    return _completions(lambda offload: (job.id for job in offload.jobs(limit=NEWEST)))


def batch_ids() -> list[str]:
    """The ids of the newest batches."""
    return _completions(lambda offload: (batch.id for batch in offload.batches(limit=NEWEST)))


def param_names(context: typer.Context) -> list[str]:
    """`name=` for each parameter of the task on the command line."""
    task = context.params.get("task")
    return (
        _completions(lambda offload: (f"{name}=" for name in offload.task(str(task)).params["properties"]))
        if task
        else []
    )


def _completions(names: Callable[[Client], Iterable[str]]) -> list[str]:
    try:
        with client_with(os.environ.get("OFFLOAD_URL"), timeout_s=TIMEOUT_S, patience_s=0) as offload:
            return [name for name in names(offload) if _PLAIN.match(name)]
    except (OffloadError, typer.TyperException):
        return []
