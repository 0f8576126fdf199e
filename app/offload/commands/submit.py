"""`offload submit`: one job, by the names of its parameters."""

from typing import Annotated, Any

import typer

from offload.client import Client, Job
from offload.commands.completion import param_names
from offload.commands.connection import Service
from offload.commands.endings import FAILED
from offload.commands.job_view import say_job
from offload.commands.options import AsJson, Labels, MaxAttempts, Memory, Priority, TaskName, Timeout, Wait
from offload.commands.results import write_result
from offload.commands.screen import say, tell, write, write_json
from offload.commands.values import read_json, read_params
from offload.commands.waiting import await_job


def submit(
    offload: Service,
    task: TaskName,
    values: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME=VALUE",
            help="Parameters: text as it is, numbers, lists and objects as JSON; @FILE for what is in a file.",
            autocompletion=param_names,
        ),
    ] = None,
    params: Annotated[
        str | None, typer.Option(metavar="JSON", help="All parameters as a JSON object; @FILE or - reads one.")
    ] = None,
    priority: Priority = None,
    timeout: Timeout = None,
    max_attempts: MaxAttempts = None,
    memory: Memory = None,
    label: Labels = None,
    idempotency_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="Submitting again with the same key gives the same job.")
    ] = None,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Submit a job, and print its id; or its result, with --wait."""
    job = offload.submit(
        task,
        _params(offload, task, values or [], params),
        priority=priority,
        timeout_s=timeout,
        max_attempts=max_attempts,
        memory_mb=memory,
        labels=tuple(label or ()),
        idempotency_key=idempotency_key,
    )
    if wait:
        _finish(offload, await_job(offload, job), as_json)
    else:
        write(job, _say_accepted, lambda job: print(job.id), as_json=as_json)


def _say_accepted(job: Job) -> None:
    say_job(job)
    say(f"offload watch {job.id}", style="dim")


def _params(offload: Client, task: str, values: list[str], params: str | None) -> Any:
    base = {} if params is None else read_json(params, "--params")
    return read_params(values, base, offload.task(task).params if values else {})


def _finish(offload: Client, job: Job, as_json: bool) -> None:
    if as_json:
        write_json(job)
    elif job.state == "succeeded":
        write_result(offload, job)
    else:
        _tell_end(job)
    if job.state != "succeeded":
        raise typer.Exit(FAILED)


def _tell_end(job: Job) -> None:
    """Why there is no result, on stderr."""
    if job.error is None:
        tell(f"{job.task}: the job was cancelled.")
    else:
        tell(f"{job.task} failed: {job.error.detail}")
    tell(f"offload show {job.id} tells all of it.", prefix="")
