"""Where the service is and with which key to call it, as told or as the environment has it."""

import ipaddress
import os
from dataclasses import dataclass

import httpx

import offload

URL = "http://127.0.0.1:8000"
"""Where `offload serve` listens unless told otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A service and how to call it."""

    url: httpx.URL
    headers: dict[str, bytes]
    trust_env: bool
    """Whether proxies of the environment stand between."""

    @property
    def shown(self) -> str:
        """For messages: without a password."""
        return str(self.url.copy_with(userinfo=b"")).rstrip("/")


def address(url: str | None, api_key: str | None) -> Address:
    """The address; None: `OFFLOAD_URL` or `URL`, and `OFFLOAD_API_KEY` or no key. Raises ValueError."""
    said = url if url is not None else os.environ.get("OFFLOAD_URL") or URL
    read = _read(said.strip())
    if read is None:
        raise ValueError(f"{said!r} is no address of a service; it looks like {URL}.")
    key = (api_key if api_key is not None else os.environ.get("OFFLOAD_API_KEY", "")).strip()
    if not key.isprintable():
        raise ValueError("The API key has characters that no key has. OFFLOAD_API_KEY sets it.")
    headers = {"User-Agent": f"offload/{offload.__version__}".encode()}
    if key and read.userinfo:  # which goes where a key goes otherwise
        headers["X-API-Key"] = key.encode()
    elif key:
        headers["Authorization"] = f"Bearer {key}".encode()
    return Address(url=read, headers=headers, trust_env=not _is_loopback(read.host))


def _read(said: str) -> httpx.URL | None:
    """None for what leads to no service."""
    try:
        read = httpx.URL(said)
        read.raw_host.decode("ascii").encode("idna")  # as sockets do, which fail by it
    except (httpx.InvalidURL, UnicodeError):
        return None
    leads = read.scheme in ("http", "https") and read.host and (read.port or 0) <= 65535
    return read if leads and not read.query and not read.fragment else None


def _is_loopback(host: str) -> bool:
    """No proxy leads to this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
