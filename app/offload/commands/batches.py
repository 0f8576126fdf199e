"""`offload batch …`: jobs that are accepted together."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from offload.client import Batch, Client
from offload.commands.arguments.service import Service
from offload.commands.arguments.shared import AsJson, BatchId, Labels, Limit, Wait
from offload.commands.arguments.values import parsed, read_bytes, read_text
from offload.commands.exit_codes import FAILED
from offload.commands.results import stdout
from offload.commands.terminal.batches import batch_page, batches_table, job_count, print_batch, print_batch_row
from offload.commands.terminal.output import (
    escape_lines,
    is_terminal,
    print_error,
    print_json,
    print_line,
    print_record,
    print_records,
    print_view,
)
from offload.commands.terminal.waiting import wait_for_batch

commands = typer.Typer(help="Submit, watch and cancel many jobs together.", no_args_is_help=True)


@commands.command()
def submit(
    offload: Service,
    file: Annotated[str, typer.Argument(metavar="FILE", help="JSON lines, or the JSON body of the API; - is stdin.")],
    label: Labels = None,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Submit a batch. Either all jobs are accepted or none.

    One line per job: {"task": "fibonacci", "params": {"n": 30}}
    """
    members, labels = _members(read_text(file))
    _accepted(offload, offload.submit_batch(members, labels=(*labels, *(label or ()))), wait, as_json)


def _members(text: str) -> tuple[list[Any], list[str]]:
    """Returns the members and labels of a file, in either format."""
    try:
        whole = parsed(text)
    except ValueError:
        return [_line(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()], []
    if isinstance(whole, dict) and "jobs" in whole:
        return _list(whole, "jobs"), _list(whole, "labels")
    return whole if isinstance(whole, list) else [whole], []


def _list(whole: Mapping[str, Any], name: str) -> list[Any]:
    if not isinstance(found := whole.get(name, []), list):
        raise typer.BadParameter(f"{name!r} must be a list.")
    return found


def _line(number: int, line: str) -> Any:
    try:
        return parsed(line)
    except ValueError as error:
        raise typer.BadParameter(f"Line {number} is not JSON: {error}") from None


@commands.command()
def files(
    offload: Service,
    pattern: Annotated[str, typer.Argument(metavar="PATTERN", help="For example 'photos/**/*.jpg', in quotes.")],
    algorithm: Annotated[list[str] | None, typer.Option(help="Default: sha256. Repeatable.")] = None,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Digest files in the service's files directory that match a pattern."""
    _accepted(offload, offload.submit_files(pattern, algorithms=tuple(algorithm or ["sha256"])), wait, as_json)


@commands.command()
def verify(
    offload: Service,
    file: Annotated[str, typer.Argument(metavar="SUMS", help="A manifest as sha256sum writes it; - is stdin.")],
    algorithm: Annotated[str | None, typer.Option(help="For lines that do not name their algorithm.")] = None,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Verify files in the service's files directory by a manifest.

    With --wait, print the report.
    """
    _accepted(offload, offload.verify(read_bytes(file), algorithm=algorithm), wait, as_json)


def _accepted(offload: Client, batch: Batch, wait: bool, as_json: bool) -> None:
    if wait:
        _finish(offload, wait_for_batch(offload, batch), as_json)
    else:
        print_record(batch, _print_accepted, lambda batch: print(batch.id), as_json=as_json)


def _print_accepted(batch: Batch) -> None:
    print_line(f"{batch.id}  {job_count(batch)}")
    print_line(f"offload watch {batch.id}", style="dim")


def _finish(offload: Client, batch: Batch, as_json: bool) -> None:
    """Prints the outcome of a finished batch: the report of a verification, else its page or id."""
    if as_json:
        print_json(batch)
    elif batch.links.report is not None:
        _print_text(report := offload.report(batch.id))
        if any(
            line and not line.endswith(": OK") for line in report.split("\n")
        ):  # not splitlines(): names may contain other line ends
            raise typer.Exit(FAILED)
    elif is_terminal():
        print_view(batch_page(batch))
    else:
        print(batch.id)
    _exit_if_failed(batch)


def _exit_if_failed(batch: Batch) -> None:
    if batch.counts.failed or batch.counts.cancelled:
        print_error(f"{batch.counts.failed:,} of {job_count(batch)} failed, {batch.counts.cancelled:,} were cancelled.")
        print_error(f"To list them: offload jobs --batch {batch.id} --state failed", prefix="")
        raise typer.Exit(FAILED)


@commands.command("show")
def show_one(offload: Service, batch_id: BatchId, as_json: AsJson = False) -> None:
    """Show the states of its jobs."""
    print_batch(offload.batch(batch_id), as_json=as_json)


@commands.command("list")
def list_all(offload: Service, limit: Limit = 20, as_json: AsJson = False) -> None:
    """List batches, newest first."""
    found = offload.batches(limit=limit)
    print_records(found, lambda found: print_view(batches_table(found)), print_batch_row, as_json=as_json)


@commands.command("wait")
def wait_for(offload: Service, batch_id: BatchId, as_json: AsJson = False) -> None:
    """Wait until all its jobs have finished.

    Exit code 1 if a job failed or was cancelled.
    """
    _finish(offload, wait_for_batch(offload, offload.batch(batch_id)), as_json)


@commands.command()
def results(offload: Service, batch_id: BatchId) -> None:
    """Print one line of JSON per job, in the order of submission."""
    for member in offload.batch_results(batch_id):
        print_json(member)


@commands.command()
def manifest(
    offload: Service,
    batch_id: BatchId,
    algorithm: Annotated[str, typer.Option(help="Algorithm of the digests to print.")] = "sha256",
) -> None:
    """Print its digests, in the format of sha256sum -c."""
    _print_text(offload.manifest(batch_id, algorithm=algorithm))


@commands.command()
def report(offload: Service, batch_id: BatchId) -> None:
    """Print the outcome for each line of the manifest."""
    _print_text(offload.report(batch_id))


def _print_text(text: str) -> None:
    if is_terminal():
        print(escape_lines(text), end="")
    else:
        stdout().write(text.encode("utf-8", "surrogateescape"))


@commands.command()
def cancel(offload: Service, batch_id: BatchId, as_json: AsJson = False) -> None:
    """Cancel its jobs, queued or running."""
    batch = offload.cancel_batch(batch_id)
    print_record(batch, lambda batch: print_view(batch_page(batch)), lambda _: None, as_json=as_json)


@commands.command()
def delete(offload: Service, batch_id: BatchId) -> None:
    """Delete it with all of its jobs, once it is done."""
    offload.delete_batch(batch_id)
