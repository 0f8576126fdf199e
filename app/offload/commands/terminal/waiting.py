"""Waits for a job or a batch. Ctrl-C stops waiting; the job or batch continues."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from offload.client import Batch, Client, Job
from offload.commands.exit_codes import INTERRUPTED
from offload.commands.terminal.batches import job_count
from offload.commands.terminal.jobs import progress_text
from offload.commands.terminal.output import print_error
from offload.commands.terminal.progress import progress_bar


def wait_for_job(offload: Client, job: Job) -> Job:
    """Returns the job once it has finished."""
    with _interruptible(job.id, f"offload cancel {job.id}"), progress_bar(job.task) as update:
        return offload.wait(job.id, on_change=lambda now: update(_fraction(now), progress_text(now) or now.state))


def wait_for_batch(offload: Client, batch: Batch) -> Batch:
    """Returns the batch once it is done."""
    with _interruptible(batch.id, f"offload batch cancel {batch.id}"), progress_bar("batch") as update:
        return offload.wait_batch(
            batch.id,
            on_change=lambda now: update(now.progress.fraction, f"{now.progress.done:,} of {job_count(now)}"),
        )


def _fraction(job: Job) -> float | None:
    return job.progress.fraction if job.progress is not None and job.state == "running" else None


@contextmanager
def _interruptible(job_id: str, cancel: str) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        print_error(f"Still running. To watch it: offload watch {job_id}\nTo cancel it: {cancel}", prefix="\n")
        raise typer.Exit(INTERRUPTED) from None
