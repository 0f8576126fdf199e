"""All commands, as one Typer application."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from offload import __version__
from offload.commands import batches, exit_codes, jobs, results, stats, submit, tasks, watch
from offload.commands.digest import command as digest

HELP = """CPU-bound Python work behind an HTTP API.

`offload serve` starts a service. Every other command calls the service at
OFFLOAD_URL, or at --url, which stands after the command's name.
"""

EPILOG = "Exit codes: 0 succeeded, 1 failed, 2 wrong usage, 3 service unreachable, 4 rejected."

SUBMIT, MANAGE, SERVICE = "Submit work", "Inspect and manage jobs", "The service"


def run(arguments: Sequence[str]) -> int:
    """Runs one command. Returns the exit code."""
    _replace_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # never fail on a character
    return exit_codes.run_to_exit(
        lambda: application(args=list(arguments), prog_name="offload", standalone_mode=False),
    )


def _replace_closed_streams() -> None:
    """Opens /dev/null for each standard stream that is closed, so that no connection gets its descriptor."""
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
def offload(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", metavar="", help="Print the version.", is_eager=True)] = False,
) -> None:
    if version:
        print(f"offload {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit(exit_codes.USAGE)


def serve() -> None:
    """Run the service (offload serve --help)."""
    raise AssertionError("offload.commands.main runs `serve` without Typer")


for function, name, panel in (
    (serve, "serve", SERVICE),
    (submit.submit, "submit", SUBMIT),
    (digest.digest, "digest", SUBMIT),
    (jobs.retry, "retry", SUBMIT),
    (jobs.jobs, "jobs", MANAGE),
    (jobs.show_one, "show", MANAGE),
    (watch.watch, "watch", MANAGE),
    (results.result, "result", MANAGE),
    (results.logs, "logs", MANAGE),
    (jobs.cancel, "cancel", MANAGE),
    (jobs.delete, "delete", MANAGE),
    (tasks.tasks, "tasks", SERVICE),
    (stats.stats, "stats", SERVICE),
):
    application.command(name, rich_help_panel=panel)(function)
application.add_typer(batches.commands, name="batch", rich_help_panel=SUBMIT)
