"""`offload jobs`, `show`, `cancel`, `delete`, `retry`: jobs that are there already."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, get_args

import typer

from offload.client import Client, Job, RefusedError, State
from offload.commands.batch_view import write_whole
from offload.commands.completion import batch_ids, task_names
from offload.commands.connection import Service
from offload.commands.endings import REFUSED
from offload.commands.job_view import job_page, jobs_table, say_job, write_job, write_job_page
from offload.commands.options import AsJson, JobId, JobIds, Limit
from offload.commands.screen import say, show, tell, write, write_all

STATES: tuple[State, ...] = get_args(State)

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def jobs(
    offload: Service,
    state: Annotated[
        list[str] | None,
        typer.Option(help="Only those in this state. May be given again.", autocompletion=lambda: list(STATES)),
    ] = None,
    task: Annotated[str | None, typer.Option(help="Only of this task.", autocompletion=task_names)] = None,
    label: Annotated[str | None, typer.Option(help="Only with this label.")] = None,
    batch: Annotated[
        str | None, typer.Option(metavar="ID", help="Only of this batch.", autocompletion=batch_ids)
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Only newer ones: 90s, 15m, 2h, 7d ago, or a time.")
    ] = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List jobs, newest first."""
    found = offload.jobs(
        states=[_state(name) for name in state or ()],
        task=task,
        label=label,
        batch=batch,
        created_after=None if since is None else moment(since),
        limit=limit,
    )
    write_all(found, _show_table, write_job, as_json=as_json)


def _state(name: str) -> State:
    for state in STATES:
        if state == name:
            return state
    raise typer.BadParameter(f"{name!r} is no state. There are {', '.join(STATES)}.")


def _show_table(found: list[Job]) -> None:
    if found:
        show(jobs_table(found))
    else:
        say("No such jobs.", style="dim")


def moment(since: str) -> datetime:
    """`15m` is a quarter of an hour ago; a time without a zone is local. Raises `typer.BadParameter`."""
    try:
        if since[-1:] in UNITS_S:
            return datetime.now(UTC) - timedelta(seconds=float(since[:-1]) * UNITS_S[since[-1]])
        return datetime.fromisoformat(since).astimezone()
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{since!r} is neither like 90s, 15m, 2h or 7d, nor a time like 2026-11-23T09:00."
        ) from None


def show_one(offload: Service, job_id: JobId, as_json: AsJson = False) -> None:
    """Show all of a job: parameters, times, result or error, log."""
    try:
        job = offload.job(job_id)
    except RefusedError as error:
        if error.kind != "job-not-found":
            raise
        _show_batch(offload, job_id, as_json, error)
        return
    write(job, lambda job: show(job_page(job, _log(offload, job))), write_job_page, as_json=as_json)


def _log(offload: Client, job: Job) -> str:
    try:
        return offload.logs(job.id) if job.attempt else ""
    except RefusedError:  # it has been deleted meanwhile
        return ""


def _show_batch(offload: Client, batch_id: str, as_json: bool, no_job: RefusedError) -> None:
    try:
        batch = offload.batch(batch_id)
    except RefusedError as error:
        raise (no_job if error.kind == "batch-not-found" else error) from None
    write_whole(batch, as_json=as_json)


def cancel(offload: Service, job_ids: JobIds, as_json: AsJson = False) -> None:
    """Stop jobs, queued or running.

    Their processes are gone when this ends.
    """

    def stop(job_id: str) -> None:
        write(offload.cancel(job_id), say_job, lambda _: None, as_json=as_json)

    _each(job_ids, stop)


def delete(offload: Service, job_ids: JobIds) -> None:
    """Forget jobs that have ended.

    Their results and uploads go with them.
    """
    _each(job_ids, offload.delete)


def _each(job_ids: list[str], do: Callable[[str], None]) -> None:
    """Does it for all, also where the service refuses some; these are told at once, and by the exit code."""
    refused = False
    for job_id in job_ids:
        try:
            do(job_id)
        except RefusedError as error:
            tell(f"{job_id}: {error}")
            refused = True
    if refused:
        raise typer.Exit(REFUSED)


def retry(offload: Service, job_id: JobId, as_json: AsJson = False) -> None:
    """Submit a job again, as a new one.

    Task, parameters and options are the old one's.
    """
    old = offload.job(job_id)
    job = offload.submit(
        old.task,
        old.params,
        priority=old.priority,
        timeout_s=old.timeout_s,
        max_attempts=old.max_attempts,
        memory_mb=old.memory_mb,
        labels=old.labels,
    )
    write(job, say_job, lambda job: print(job.id), as_json=as_json)
