"""The command `offload`: `serve` runs a service, every other command calls one.

`serve` has a parser of its own: importing Typer, Rich and httpx would add 150 ms to its start.
"""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. Returns the exit code: see `offload.server.serve.serve` and `offload.commands.exit_codes`."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    while given[:1] == ["--"]:  # marks the end of options; there are none before the command
        del given[0]
    try:
        if given[:1] == ["serve"]:
            from offload.server.serve import serve  # noqa: PLC0415

            return serve(given[1:])
        from offload.commands.application import run  # noqa: PLC0415

        return run(given)
    except KeyboardInterrupt:  # before the command started
        return 130
