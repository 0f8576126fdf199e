"""Waiting for a job or a batch. Ctrl-C ends the waiting, and not what is waited for."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from offload.client import Batch, Client, Job
from offload.commands.bars import waiting_bar
from offload.commands.batch_view import jobs_in
from offload.commands.endings import INTERRUPTED
from offload.commands.job_view import progress_text
from offload.commands.screen import tell


def await_job(offload: Client, job: Job) -> Job:
    """The job once it has ended."""
    with _leaving(job.id, f"offload cancel {job.id}"), waiting_bar(job.task) as move:
        return offload.wait(job.id, on_change=lambda now: move(_fraction(now), progress_text(now) or now.state))


def await_batch(offload: Client, batch: Batch) -> Batch:
    """The batch once it is done."""
    with _leaving(batch.id, f"offload batch cancel {batch.id}"), waiting_bar("batch") as move:
        return offload.wait_batch(
            batch.id,
            on_change=lambda now: move(now.progress.fraction, f"{now.progress.done:,} of {jobs_in(now)}"),
        )


def _fraction(job: Job) -> float | None:
    return job.progress.fraction if job.progress is not None and job.state == "running" else None


@contextmanager
def _leaving(which: str, stop: str) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        tell(f"It goes on. To see it: offload watch {which}\nTo stop it: {stop}", prefix="\n")
        raise typer.Exit(INTERRUPTED) from None
