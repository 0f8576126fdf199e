"""How a command ends: exit codes, and what is said on stderr."""

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
from offload.commands.connection import KEY, KEY_FILE
from offload.commands.screen import tell

FAILED = 1
"""The job failed or was cancelled; a digest does not match; a file can't be read."""

USAGE = 2
UNREACHABLE = 3
REFUSED = 4
"""The service answered with a problem, such as an unknown id, a wrong parameter or a full queue."""

INTERRUPTED = 130


def ended(command: Callable[[], object]) -> int:
    """Runs a command to its end, whatever that is. Answers the exit code; no error is left to be shown."""
    try:
        code = command()
        sys.stdout.flush()
    except typer.TyperException as error:
        return _usage(error)
    except UnsendableError as error:
        tell(str(error))
        return USAGE
    except UnreachableError as error:
        tell(str(error))
        return UNREACHABLE
    except RefusedError as error:
        tell(str(error))
        if error.kind == "unauthorized":
            tell(f"The key is read from {KEY}, or from the file that {KEY_FILE} names.", prefix="")
        return REFUSED
    except (JobFailedError, JobCancelledError, OffloadError) as error:
        tell(str(error))
        return FAILED
    except BrokenPipeError:  # as with `| head`
        return _give_up_output()
    except OSError as error:  # files that are read are told of where they are read
        tell(f"This can't be written: {error.strerror}")
        return _give_up_output()
    return code if isinstance(code, int) else 0


def _give_up_output() -> int:
    """Or Python would try once more at its end, and tell of it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED


def _usage(error: typer.TyperException) -> int:
    context = getattr(error, "ctx", None)  # Typer's usage errors have it, but their class is not public
    if message := error.format_message():  # without a subcommand, the help that is printed says it all
        tell(message)
    if context is not None:
        tell(f"{context.command_path} --help tells how it is used.", prefix="")
    return USAGE
