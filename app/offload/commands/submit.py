"""`offload submit`."""

from typing import Annotated, Any, Unpack

import typer

from offload.client import Client, Job
from offload.commands.arguments.completion import param_names
from offload.commands.arguments.service import Service
from offload.commands.arguments.shared import AsJson, TaskName, Wait
from offload.commands.arguments.submit_options import with_submit_options
from offload.commands.arguments.values import read_json, read_params
from offload.commands.exit_codes import FAILED
from offload.commands.results import print_result
from offload.commands.terminal.jobs import print_job_line
from offload.commands.terminal.output import print_error, print_json, print_line, print_record
from offload.commands.terminal.waiting import wait_for_job
from offload.options import SubmitOptions


@with_submit_options
def submit(
    offload: Service,
    task: TaskName,
    values: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME=VALUE",
            help="Parameters: text as it is; numbers, lists and objects as JSON; @FILE reads a file.",
            autocompletion=param_names,
        ),
    ] = None,
    params: Annotated[
        str | None, typer.Option(metavar="JSON", help="All parameters as a JSON object; @FILE or - reads one.")
    ] = None,
    *,
    idempotency_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="Submitting again with the same key returns the same job.")
    ] = None,
    wait: Wait = False,
    as_json: AsJson = False,
    **options: Unpack[SubmitOptions],
) -> None:
    """Submit a job and print its id; with --wait, print its result."""
    job = offload.submit(
        task,
        _params(offload, task, values or [], params),
        idempotency_key=idempotency_key,
        **options,
    )
    if wait:
        _finish(offload, wait_for_job(offload, job), as_json)
    else:
        print_record(job, _print_accepted, lambda job: print(job.id), as_json=as_json)


def _print_accepted(job: Job) -> None:
    print_job_line(job)
    print_line(f"offload watch {job.id}", style="dim")


def _params(offload: Client, task: str, values: list[str], params: str | None) -> Any:
    base = {} if params is None else read_json(params, "--params")
    return read_params(values, base, offload.task(task).params if values else {})


def _finish(offload: Client, job: Job, as_json: bool) -> None:
    if as_json:
        print_json(job)
    elif job.state == "succeeded":
        print_result(offload, job)
    else:
        _print_failure(job)
    if job.state != "succeeded":
        raise typer.Exit(FAILED)


def _print_failure(job: Job) -> None:
    """Prints why there is no result, on stderr."""
    if job.error is None:
        print_error(f"{job.task}: the job was cancelled.")
    else:
        print_error(f"{job.task} failed: {job.error.detail}")
    print_error(f"For details: offload show {job.id}", prefix="")
