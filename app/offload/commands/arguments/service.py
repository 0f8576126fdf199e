"""`offload: Service`, a parameter of every command: the option `--url` as a connected client."""

import os
from pathlib import Path
from typing import Annotated

import typer

from offload.client import Client
from offload.client.address import URL

KEY, KEY_FILE = "OFFLOAD_API_KEY", "OFFLOAD_KEY_FILE"


def client(url: str | None) -> Client:
    """Returns a client for the service at `url`. Raises `typer.BadParameter`."""
    return client_with(url, timeout_s=30, patience_s=60)


def client_with(url: str | None, *, timeout_s: float, patience_s: float) -> Client:
    """Returns a client with these times. The key comes from OFFLOAD_API_KEY, or from the file at OFFLOAD_KEY_FILE."""
    try:
        return Client(url, _key_from_file(), timeout_s=timeout_s, patience_s=patience_s)
    except (ValueError, ImportError, OSError) as error:  # ImportError, OSError: proxy or certificate variables
        raise typer.BadParameter(str(error)) from None


def _key_from_file() -> str | None:
    """Returns the key in OFFLOAD_KEY_FILE; None where OFFLOAD_API_KEY is set, which the client reads itself."""
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
        parser=client,
        show_default=False,
        help=f"Address of the service. Default: {URL}. The key is read from {KEY}, or from the file at {KEY_FILE}.",
        rich_help_panel="Service",
    ),
]
