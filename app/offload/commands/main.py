"""The command `offload`: `serve` is the service itself, all else asks one.

`serve` has its parser to itself: Typer, Rich and httpx would cost its start 150 ms.
"""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. Answers the exit code: see `offload.server.serve.serve` and `offload.commands.endings`."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    while given[:1] == ["--"]:  # the end of options before the command, of which there are none
        del given[0]
    try:
        if given[:1] == ["serve"]:
            from offload.server.serve import serve  # noqa: PLC0415

            return serve(given[1:])
        from offload.commands.application import run  # noqa: PLC0415

        return run(given)
    except KeyboardInterrupt:  # before the command had begun
        return 130
