"""`offload watch`: a job, a batch or the whole service, as it changes."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, TypeVar

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from offload.client import Batch, Client, Job, JobChanged, JobDeleted, RefusedError
from offload.commands.batch_view import batch_page, write_batch
from offload.commands.completion import job_ids
from offload.commands.connection import Service
from offload.commands.endings import FAILED
from offload.commands.job_view import job_page, jobs_table, progress_text, write_job
from offload.commands.options import AsJson, named
from offload.commands.screen import for_people, out, safe, write_json, write_row
from offload.commands.stats import lanes_table, queue_line

EVERY_S = 1.0
"""How often the overview asks again."""


def watch(
    offload: Service,
    what: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Of a job or a batch.", parser=named, autocompletion=job_ids)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Watch a job, a batch, or all the service.

    A job or a batch until it ends; without an id the lanes, the queue and
    the newest jobs. Where stdout is no terminal, a line for each change.
    Ctrl-C ends the watching, nothing else.
    """
    if what is None:
        _watch_all(offload, as_json)
        return
    try:
        succeeded = _watch_job(offload, offload.job(what), as_json)
    except RefusedError as error:
        if error.kind != "job-not-found":
            raise
        succeeded = _watch_batch(offload, what, as_json)
    if not succeeded:
        raise typer.Exit(FAILED)


def _watch_job(offload: Client, job: Job, as_json: bool) -> bool:
    with _shown(_job_now, write_job, as_json) as show:
        for now in offload.changes(job.id):
            show(now)
            job = now
    return job.state == "succeeded"


def _job_now(job: Job) -> RenderableType:
    if job.progress is None or job.state != "running":
        return job_page(job)
    bar = Table.grid(padding=(0, 2))
    bar.add_row(
        ProgressBar(total=1.0, completed=job.progress.fraction or 0.0, width=40), Text(safe(progress_text(job)))
    )
    return Group(job_page(job), "", bar)


def _watch_batch(offload: Client, batch_id: str, as_json: bool) -> bool:
    with _shown(batch_page, write_batch, as_json) as show:
        for now in offload.batch_changes(batch_id):
            show(now)
            batch = now
    return not (batch.counts.failed or batch.counts.cancelled)


def _watch_all(offload: Client, as_json: bool) -> None:
    if not for_people() or as_json:
        _write_changes(offload, as_json)
        return
    with Live(console=out(), screen=out().is_terminal, auto_refresh=False) as live:
        while True:
            live.update(_overview(offload), refresh=True)
            time.sleep(EVERY_S)


def _overview(offload: Client) -> RenderableType:
    now = offload.stats()
    room = max(1, out().height - len(now.lanes) - 8)
    newest = list(offload.jobs(limit=room))
    return Group(lanes_table(now), "", queue_line(now), "", jobs_table(newest), Text("Ctrl-C ends this.", style="dim"))


def _write_changes(offload: Client, as_json: bool) -> None:
    for change in offload.changes_of_all():
        match change:
            case JobChanged(job=job) if as_json:
                write_json(job)
            case JobChanged(job=job):
                write_job(job)
            case JobDeleted(id=job_id) if not as_json:
                write_row(job_id, None, "deleted")


T = TypeVar("T", Job, Batch)


@contextmanager
def _shown(
    page: Callable[[T], RenderableType], row: Callable[[T], None], as_json: bool
) -> Iterator[Callable[[T], None]]:
    """Gives what shows each change: in place on a terminal, else a line each."""
    if as_json or not for_people():
        yield write_json if as_json else row
        return
    with Live(console=out(), auto_refresh=False, vertical_overflow="visible") as live:
        yield lambda now: live.update(page(now), refresh=True)
