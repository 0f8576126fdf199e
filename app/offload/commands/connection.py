"""The service that a command asks: every command has `offload: Service`, which is the option `--url`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from offload.client import Client
from offload.client.address import URL

KEY, KEY_FILE = "OFFLOAD_API_KEY", "OFFLOAD_KEY_FILE"


def connected(url: str | None) -> Client:
    """A client of the service at this address. Raises `typer.BadParameter`."""
    return connected_for(url, timeout_s=30, patience_s=60)


def connected_for(url: str | None, *, timeout_s: float, patience_s: float) -> Client:
    """The same for as long; with the key of the environment, or of the file that it names."""
    try:
        return Client(url, _key_of_file(), timeout_s=timeout_s, patience_s=patience_s)
    except (ValueError, ImportError, OSError) as error:  # the last two: proxies and certificates of the environment
        raise typer.BadParameter(str(error)) from None


def _key_of_file() -> str | None:
    """None where there is no such file: the client itself knows OFFLOAD_API_KEY."""
    file = os.environ.get(KEY_FILE)
    if not file or KEY in os.environ:
        return None
    try:
        return Path(file).read_text().strip()
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{KEY_FILE}: {error}") from None


Service = Annotated[
    Client,
    typer.Option(
        "--url",
        metavar="URL",
        envvar="OFFLOAD_URL",
        default_factory=lambda: URL,
        parser=connected,
        show_default=False,
        help=f"Where it is. Default: {URL}. Its key comes from {KEY}, or the file that {KEY_FILE} names.",
        rich_help_panel="Service",
    ),
]
