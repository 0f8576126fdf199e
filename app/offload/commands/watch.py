"""`offload watch`: a job, a batch or the whole service, live."""

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
from offload.commands.arguments.completion import job_ids
from offload.commands.arguments.service import Service
from offload.commands.arguments.shared import AsJson, identifier
from offload.commands.exit_codes import FAILED
from offload.commands.stats import lanes_table, queue_line
from offload.commands.terminal.batches import batch_page, print_batch_row
from offload.commands.terminal.jobs import job_page, jobs_table, print_job_row, progress_text
from offload.commands.terminal.output import escape, is_terminal, out, print_json, print_row

REFRESH_S = 1.0
"""How often the overview is refreshed."""


def watch(
    offload: Service,
    what: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="Id of a job or a batch.", parser=identifier, autocompletion=job_ids),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Watch a job, a batch, or the whole service.

    A job or batch is watched until it has finished. Without an id, the lanes,
    the queue and the newest jobs are shown. If stdout is not a terminal, one
    line is printed per change. Ctrl-C stops watching and nothing else.
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
    with _live(_live_job_page, print_job_row, as_json) as update:
        for now in offload.changes(job.id):
            update(now)
            job = now
    return job.state == "succeeded"


def _live_job_page(job: Job) -> RenderableType:
    if job.progress is None or job.state != "running":
        return job_page(job)
    bar = Table.grid(padding=(0, 2))
    bar.add_row(
        ProgressBar(total=1.0, completed=job.progress.fraction or 0.0, width=40), Text(escape(progress_text(job)))
    )
    return Group(job_page(job), "", bar)


def _watch_batch(offload: Client, batch_id: str, as_json: bool) -> bool:
    with _live(batch_page, print_batch_row, as_json) as update:
        for now in offload.batch_changes(batch_id):
            update(now)
            batch = now
    return not (batch.counts.failed or batch.counts.cancelled)


def _watch_all(offload: Client, as_json: bool) -> None:
    if not is_terminal() or as_json:
        _print_changes(offload, as_json)
        return
    with Live(console=out(), screen=out().is_terminal, auto_refresh=False) as live:
        while True:
            live.update(_overview(offload), refresh=True)
            time.sleep(REFRESH_S)


def _overview(offload: Client) -> RenderableType:
    now = offload.stats()
    rows = max(1, out().height - len(now.lanes) - 8)
    newest = list(offload.jobs(limit=rows))
    return Group(
        lanes_table(now), "", queue_line(now), "", jobs_table(newest), Text("Press Ctrl-C to exit.", style="dim")
    )


def _print_changes(offload: Client, as_json: bool) -> None:
    for change in offload.changes_of_all():
        match change:
            case JobChanged(job=job) if as_json:
                print_json(job)
            case JobChanged(job=job):
                print_job_row(job)
            case JobDeleted(id=job_id) if not as_json:
                print_row(job_id, None, "deleted")


T = TypeVar("T", Job, Batch)


@contextmanager
def _live(
    page: Callable[[T], RenderableType], row: Callable[[T], None], as_json: bool
) -> Iterator[Callable[[T], None]]:
    """Yields a function that shows a change: in place on a terminal, else as one line."""
    if as_json or not is_terminal():
        yield print_json if as_json else row
        return
    with Live(console=out(), auto_refresh=False, vertical_overflow="visible") as live:
        yield lambda now: live.update(page(now), refresh=True)
