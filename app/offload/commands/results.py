"""`offload result` and `offload logs`: what a job gave back, and what it said."""

import re
import shutil
import sys
import time
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, BinaryIO

import typer

from offload.client import Client, Job
from offload.commands.connection import Service
from offload.commands.options import JobId, Wait, flag
from offload.commands.screen import for_people, indented, out, safe_lines
from offload.commands.waiting import await_job

EVERY_S = 1.0
"""How often a log that is followed is asked for."""

_LINE = re.compile(r"^[^ \n]", re.MULTILINE)
"""Where a line of a log begins: with its time. What it has of further lines is indented."""


def result(
    offload: Service,
    job_id: JobId,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it there instead.", dir_okay=False)
    ] = None,
    wait: Wait = False,
) -> None:
    """Print a job's whole result, as JSON."""
    if wait:
        await_job(offload, offload.job(job_id))
    if output is None:
        write_result(offload, offload.job(job_id))
        return
    with TemporaryFile() as whole:  # what is in FILE stays there unless all of the result has come
        offload.download(job_id, whole)
        whole.seek(0)
        try:
            with output.open("wb") as file:
                shutil.copyfileobj(whole, file)
        except OSError as error:
            raise typer.BadParameter(f"{output} can't be written: {error.strerror}") from None


def write_result(offload: Client, job: Job) -> None:
    """To a terminal, laid out for people; else every byte as the service has it, and a newline."""
    if for_people():
        value = job.result if job.result_is_here else offload.result(job.id)
        out().print(indented(value), soft_wrap=True)
        return
    sys.stdout.flush()
    offload.download(job.id, stdout())
    stdout().write(b"\n")
    stdout().flush()


def stdout() -> BinaryIO:
    """Stdout, for bytes."""
    return sys.stdout.buffer


def logs(
    offload: Service,
    job_id: JobId,
    follow: Annotated[bool, flag("--follow", "-f", help="Go on as it says more, up to its end.")] = False,
) -> None:
    """Print what a job has logged and printed."""
    said = ""
    while True:
        ended = not follow or offload.job(job_id).ended  # asked first, or its last words could be missed
        now = offload.logs(job_id)
        _write(added(said, now))
        if ended:
            return
        said = now
        time.sleep(EVERY_S)


def added(said: str, now: str) -> str:
    """What there is more of a log now; the oldest lines may have gone meanwhile."""
    if now.startswith(said):
        return now[len(said) :]
    last = said[max(begin.start() for begin in _LINE.finditer(said)) :]
    at = now.rfind(last)
    return now if at < 0 else now[at + len(last) :]


def _write(text: str) -> None:
    if for_people():
        sys.stdout.write(safe_lines(text))
    else:
        stdout().write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.flush()
