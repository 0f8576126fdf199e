"""`offload batch …`: many jobs accepted together."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from offload.client import Batch, Client
from offload.commands.batch_view import batch_page, batches_table, jobs_in, write_batch, write_whole
from offload.commands.connection import Service
from offload.commands.endings import FAILED
from offload.commands.options import AsJson, BatchId, Labels, Limit, Wait
from offload.commands.results import stdout
from offload.commands.screen import for_people, safe_lines, say, show, tell, write, write_all, write_json
from offload.commands.values import parsed, read_bytes, read_text
from offload.commands.waiting import await_batch

commands = typer.Typer(help="Many jobs at once: submit, wait for, look at, cancel.", no_args_is_help=True)


@commands.command()
def submit(
    offload: Service,
    file: Annotated[str, typer.Argument(metavar="FILE", help="JSON lines, or the API's own JSON; - is stdin.")],
    label: Labels = None,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Submit a batch, all or none.

    A line for each job: {"task": "fibonacci", "params": {"n": 30}}
    """
    members, labels = _members(read_text(file))
    _accepted(offload, offload.submit_batch(members, labels=(*labels, *(label or ()))), wait, as_json)


def _members(text: str) -> tuple[list[Any], list[str]]:
    """The members and labels that a file says, in either form."""
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
    pattern: Annotated[str, typer.Argument(metavar="PATTERN", help="Such as 'photos/**/*.jpg', in quotes.")],
    algorithm: Annotated[list[str] | None, typer.Option(help="Default: sha256. May be given again.")] = None,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Digest files of the service that match a pattern.

    Those below its files directory.
    """
    _accepted(offload, offload.submit_files(pattern, algorithms=tuple(algorithm or ["sha256"])), wait, as_json)


@commands.command()
def verify(
    offload: Service,
    file: Annotated[str, typer.Argument(metavar="SUMS", help="As sha256sum and its kin write it; - is stdin.")],
    algorithm: Annotated[str | None, typer.Option(help="Where the lines do not tell.")] = None,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Verify files of the service by a manifest.

    Those below its files directory. With --wait, prints the report.
    """
    _accepted(offload, offload.verify(read_bytes(file), algorithm=algorithm), wait, as_json)


def _accepted(offload: Client, batch: Batch, wait: bool, as_json: bool) -> None:
    if wait:
        _finish(offload, await_batch(offload, batch), as_json)
    else:
        write(batch, _say_accepted, lambda batch: print(batch.id), as_json=as_json)


def _say_accepted(batch: Batch) -> None:
    say(f"{batch.id}  {jobs_in(batch)}")
    say(f"offload watch {batch.id}", style="dim")


def _finish(offload: Client, batch: Batch, as_json: bool) -> None:
    """What a batch that is done has to tell: a verification its report, others where their results are."""
    if as_json:
        write_json(batch)
    elif batch.links.report is not None:
        _write_text(report := offload.report(batch.id))
        if any(line and not line.endswith(": OK") for line in report.split("\n")):  # names may have other ends of lines
            raise typer.Exit(FAILED)
    elif for_people():
        show(batch_page(batch))
    else:
        print(batch.id)
    _judge(batch)


def _judge(batch: Batch) -> None:
    if batch.counts.failed or batch.counts.cancelled:
        tell(f"{batch.counts.failed:,} of {jobs_in(batch)} failed, {batch.counts.cancelled:,} were cancelled.")
        tell(f"offload jobs --batch {batch.id} --state failed lists them.", prefix="")
        raise typer.Exit(FAILED)


@commands.command("show")
def show_one(offload: Service, batch_id: BatchId, as_json: AsJson = False) -> None:
    """Show how many of its jobs are in which state."""
    write_whole(offload.batch(batch_id), as_json=as_json)


@commands.command("list")
def list_all(offload: Service, limit: Limit = 20, as_json: AsJson = False) -> None:
    """List batches, newest first."""
    found = offload.batches(limit=limit)
    write_all(found, lambda found: show(batches_table(found)), write_batch, as_json=as_json)


@commands.command("wait")
def wait_for(offload: Service, batch_id: BatchId, as_json: AsJson = False) -> None:
    """Wait for the last of its jobs.

    Exit code 1 where one failed or was cancelled.
    """
    _finish(offload, await_batch(offload, offload.batch(batch_id)), as_json)


@commands.command()
def results(offload: Service, batch_id: BatchId) -> None:
    """Print a line of JSON for each job, in the order of submission."""
    for member in offload.batch_results(batch_id):
        write_json(member)


@commands.command()
def manifest(
    offload: Service,
    batch_id: BatchId,
    algorithm: Annotated[str, typer.Option(help="Which of its digests.")] = "sha256",
) -> None:
    """Print its digests, for sha256sum -c."""
    _write_text(offload.manifest(batch_id, algorithm=algorithm))


@commands.command()
def report(offload: Service, batch_id: BatchId) -> None:
    """Print what became of each line of a manifest."""
    _write_text(offload.report(batch_id))


def _write_text(text: str) -> None:
    if for_people():
        print(safe_lines(text), end="")
    else:
        stdout().write(text.encode("utf-8", "surrogateescape"))


@commands.command()
def cancel(offload: Service, batch_id: BatchId, as_json: AsJson = False) -> None:
    """Stop its jobs, queued or running."""
    batch = offload.cancel_batch(batch_id)
    write(batch, lambda batch: show(batch_page(batch)), lambda _: None, as_json=as_json)


@commands.command()
def delete(offload: Service, batch_id: BatchId) -> None:
    """Forget it with all of its jobs, once it is done."""
    offload.delete_batch(batch_id)
