"""All commands, as one Typer application."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from offload import __version__
from offload.commands import batches, digest, endings, jobs, results, stats, submit, tasks, watch

HELP = """CPU-bound Python work behind an HTTP API: start a service, and ask one.

`offload serve` starts it. Everything else talks to the one at OFFLOAD_URL, or at
the --url that stands behind the command.
"""

EPILOG = "Exit codes: 0 succeeded, 1 failed, 2 wrong usage, 3 nobody answers, 4 refused."

WORK, LOOK, SERVICE = "Give work", "See and steer it", "The service"


def run(arguments: Sequence[str]) -> int:
    """Runs one command. Answers the exit code."""
    _stand_in_for_closed()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # no text of others stops a command
    return endings.ended(
        lambda: application(args=list(arguments), prog_name="offload", standalone_mode=False),
    )


def _stand_in_for_closed() -> None:
    """A standard stream that is closed fails where it is used, and no connection gets its descriptor."""
    for name, flags, mode in (("stdin", os.O_WRONLY, "r"), ("stdout", os.O_RDONLY, "w"), ("stderr", os.O_WRONLY, "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, flags), mode))


application = typer.Typer(
    help=HELP,
    epilog=EPILOG,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


@application.callback(invoke_without_command=True)
def whole(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", metavar="", help="Print the version.", is_eager=True)] = False,
) -> None:
    if version:
        print(f"offload {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit(endings.USAGE)


def serve() -> None:
    """Run the service (offload serve --help)."""
    raise NotImplementedError("offload.commands.main runs it without Typer")


for function, name, panel in (
    (serve, "serve", SERVICE),
    (submit.submit, "submit", WORK),
    (digest.digest, "digest", WORK),
    (jobs.retry, "retry", WORK),
    (jobs.jobs, "jobs", LOOK),
    (jobs.show_one, "show", LOOK),
    (watch.watch, "watch", LOOK),
    (results.result, "result", LOOK),
    (results.logs, "logs", LOOK),
    (jobs.cancel, "cancel", LOOK),
    (jobs.delete, "delete", LOOK),
    (tasks.tasks, "tasks", SERVICE),
    (stats.stats, "stats", SERVICE),
):
    application.command(name, rich_help_panel=panel)(function)
application.add_typer(batches.commands, name="batch", rich_help_panel=WORK)
