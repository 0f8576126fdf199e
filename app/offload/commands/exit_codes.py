"""Exit codes, and the message on stderr for each error."""

import os
import sys
from collections.abc import Callable

import typer

from offload.client import (
    JobCancelledError,
    JobFailedError,
    OffloadError,
    RefusedError,
    UnreachableError,
    UnsendableError,
)
from offload.commands.arguments.service import KEY, KEY_FILE
from offload.commands.terminal.output import print_error

FAILED = 1
"""The job failed or was cancelled, a digest does not match, or a file can't be read."""

USAGE = 2
UNREACHABLE = 3
REFUSED = 4
"""The service rejected the request: an unknown id, a wrong parameter, a full queue."""

INTERRUPTED = 130


def run_to_exit(command: Callable[[], object]) -> int:
    """Runs a command and returns its exit code. Every expected error becomes a message on stderr."""
    try:
        code = command()
        sys.stdout.flush()
    except typer.TyperException as error:
        return _usage_error(error)
    except UnsendableError as error:
        print_error(str(error))
        return USAGE
    except UnreachableError as error:
        print_error(str(error))
        return UNREACHABLE
    except RefusedError as error:
        print_error(str(error))
        if error.kind == "unauthorized":
            print_error(f"The key is read from {KEY}, or from the file at {KEY_FILE}.", prefix="")
        return REFUSED
    except (JobFailedError, JobCancelledError, OffloadError) as error:
        print_error(str(error))
        return FAILED
    except BrokenPipeError:  # as with `| head`
        return _discard_output()
    except OSError as error:  # errors of reading are handled where files are read
        print_error(f"Can't write the output: {error.strerror}")
        return _discard_output()
    return code if isinstance(code, int) else 0


def _discard_output() -> int:
    """Discards what stdout still buffers: Python would write it at exit, fail again and print a traceback."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED


def _usage_error(error: typer.TyperException) -> int:
    context = getattr(error, "ctx", None)  # Typer's usage errors have it, but their class is not public
    if message := error.format_message():  # empty without a subcommand: the help was printed
        print_error(message)
    if context is not None:
        print_error(f"Try: {context.command_path} --help", prefix="")
    return USAGE
