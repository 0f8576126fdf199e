"""`offload jobs`, `show`, `cancel`, `delete` and `retry`."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, get_args

import typer

from offload.client import Client, Job, RefusedError, State
from offload.commands.arguments.completion import batch_ids, task_names
from offload.commands.arguments.service import Service
from offload.commands.arguments.shared import AsJson, JobId, JobIds, Limit
from offload.commands.exit_codes import REFUSED
from offload.commands.terminal.batches import print_batch
from offload.commands.terminal.jobs import job_page, jobs_table, print_job_fields, print_job_line, print_job_row
from offload.commands.terminal.output import print_error, print_line, print_record, print_records, print_view

STATES: tuple[State, ...] = get_args(State)

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def jobs(
    offload: Service,
    state: Annotated[
        list[str] | None,
        typer.Option(help="Only jobs in this state. Repeatable.", autocompletion=lambda: list(STATES)),
    ] = None,
    task: Annotated[str | None, typer.Option(help="Only jobs of this task.", autocompletion=task_names)] = None,
    label: Annotated[str | None, typer.Option(help="Only jobs with this label.")] = None,
    batch: Annotated[
        str | None, typer.Option(metavar="ID", help="Only jobs of this batch.", autocompletion=batch_ids)
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Only jobs submitted since: 90s, 15m, 2h or 7d ago, or a time.")
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
        created_after=None if since is None else parse_time(since),
        limit=limit,
    )
    print_records(found, _print_table, print_job_row, as_json=as_json)


def _state(name: str) -> State:
    for state in STATES:
        if state == name:
            return state
    raise typer.BadParameter(f"{name!r} is not a state. Choose from {', '.join(STATES)}.")


def _print_table(found: list[Job]) -> None:
    if found:
        print_view(jobs_table(found))
    else:
        print_line("No matching jobs.", style="dim")


def parse_time(since: str) -> datetime:
    """Parses `15m` (15 minutes ago) or a time; without a zone it is local. Raises `typer.BadParameter`."""
    try:
        if since[-1:] in UNITS_S:
            return datetime.now(UTC) - timedelta(seconds=float(since[:-1]) * UNITS_S[since[-1]])
        return datetime.fromisoformat(since).astimezone()
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{since!r} is not an age such as 90s, 15m, 2h or 7d, nor a time such as 2026-11-23T09:00."
        ) from None


def show_one(offload: Service, job_id: JobId, as_json: AsJson = False) -> None:
    """Show a job: parameters, times, result or error, log."""
    try:
        job = offload.job(job_id)
    except RefusedError as error:
        if error.kind != "job-not-found":
            raise
        _print_batch(offload, job_id, as_json, error)
        return
    print_record(job, lambda job: print_view(job_page(job, _log(offload, job))), print_job_fields, as_json=as_json)


def _log(offload: Client, job: Job) -> str:
    try:
        return offload.logs(job.id) if job.attempt else ""
    except RefusedError:  # it was deleted in between
        return ""


def _print_batch(offload: Client, batch_id: str, as_json: bool, not_found: RefusedError) -> None:
    try:
        batch = offload.batch(batch_id)
    except RefusedError as error:
        raise (not_found if error.kind == "batch-not-found" else error) from None
    print_batch(batch, as_json=as_json)


def cancel(offload: Service, job_ids: JobIds, as_json: AsJson = False) -> None:
    """Cancel jobs, queued or running.

    Their processes have ended when this returns.
    """

    def cancel_one(job_id: str) -> None:
        print_record(offload.cancel(job_id), print_job_line, lambda _: None, as_json=as_json)

    _each(job_ids, cancel_one)


def delete(offload: Service, job_ids: JobIds) -> None:
    """Delete finished jobs, with their results and uploads."""
    _each(job_ids, offload.delete)


def _each(job_ids: list[str], do: Callable[[str], None]) -> None:
    """Calls `do` for each job. Errors are printed and set the exit code; the remaining jobs are still processed."""
    rejected = False
    for job_id in job_ids:
        try:
            do(job_id)
        except RefusedError as error:
            print_error(f"{job_id}: {error}")
            rejected = True
    if rejected:
        raise typer.Exit(REFUSED)


def retry(offload: Service, job_id: JobId, as_json: AsJson = False) -> None:
    """Submit a job again, as a new job.

    It has the same task, parameters and options.
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
    print_record(job, print_job_line, lambda job: print(job.id), as_json=as_json)
