"""`offload result` and `offload logs`."""

import re
import shutil
import sys
import time
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, BinaryIO

import typer

from offload.client import Client, Job
from offload.commands.arguments.service import Service
from offload.commands.arguments.shared import JobId, Wait, flag
from offload.commands.terminal.output import escape_lines, indented, is_terminal, out
from offload.commands.terminal.waiting import wait_for_job

POLL_S = 1.0
"""How often `--follow` asks for new lines."""

_ENTRY = re.compile(r"^[^ \n]", re.MULTILINE)
"""The start of a log entry, which begins with its time. Continuation lines are indented."""


def result(
    offload: Service,
    job_id: JobId,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the result to FILE.", dir_okay=False)
    ] = None,
    wait: Wait = False,
) -> None:
    """Print the whole result of a job, as JSON."""
    if wait:
        wait_for_job(offload, offload.job(job_id))
    if output is None:
        print_result(offload, offload.job(job_id))
        return
    with TemporaryFile() as whole:  # FILE is replaced only by a complete result
        offload.download(job_id, whole)
        whole.seek(0)
        try:
            with output.open("wb") as file:
                shutil.copyfileobj(whole, file)
        except OSError as error:
            raise typer.BadParameter(f"Can't write {output}: {error.strerror}") from None


def print_result(offload: Client, job: Job) -> None:
    """Prints a result: indented on a terminal, else the exact bytes that the service has, and a newline."""
    if is_terminal():
        value = job.result if job.result_is_here else offload.result(job.id)
        out().print(indented(value), soft_wrap=True)
        return
    sys.stdout.flush()
    offload.download(job.id, stdout())
    stdout().write(b"\n")
    stdout().flush()


def stdout() -> BinaryIO:
    """Returns stdout for bytes."""
    return sys.stdout.buffer


def logs(
    offload: Service,
    job_id: JobId,
    follow: Annotated[bool, flag("--follow", "-f", help="Print new lines until the job has finished.")] = False,
) -> None:
    """Print what a job has printed and logged."""
    printed = ""
    while True:
        ended = not follow or offload.job(job_id).ended  # before the log is read, or its last lines could be missed
        now = offload.logs(job_id)
        _write(new_text(printed, now))
        if ended:
            return
        printed = now
        time.sleep(POLL_S)


def new_text(printed: str, now: str) -> str:
    """Returns the text that was added to a log. Its oldest lines may have been dropped in between."""
    if now.startswith(printed):
        return now[len(printed) :]
    last = printed[max(begin.start() for begin in _ENTRY.finditer(printed)) :]
    at = now.rfind(last)
    return now if at < 0 else now[at + len(last) :]


def _write(text: str) -> None:
    if is_terminal():
        sys.stdout.write(escape_lines(text))
    else:
        stdout().write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.flush()
