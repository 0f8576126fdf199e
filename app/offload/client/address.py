"""The address of the service and the key, from arguments or from the environment."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

import offload

URL = "http://127.0.0.1:8000"
"""Where `offload serve` listens by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A service and how to call it."""

    url: httpx.URL
    headers: Mapping[bytes, bytes]
    trust_env: bool
    """Whether the environment's proxies are used."""

    @property
    def shown(self) -> str:
        """The URL for messages: without a password."""
        return str(self.url.copy_with(userinfo=b"")).rstrip("/")


def address(url: str | None, api_key: str | None) -> Address:
    """Return the address. None stands for `OFFLOAD_URL` or `URL`, and for `OFFLOAD_API_KEY` or no key.

    Raises ValueError.
    """
    text = url if url is not None else os.environ.get("OFFLOAD_URL") or URL
    parsed = _parse(text.strip())
    if parsed is None:
        raise ValueError(f"{text!r} is not the address of a service. An address looks like {URL}.")
    key = (api_key if api_key is not None else os.environ.get("OFFLOAD_API_KEY", "")).strip()
    if not key.isprintable():
        raise ValueError("The API key has characters that no key can have. OFFLOAD_API_KEY sets it.")
    headers = {b"User-Agent": f"offload/{offload.__version__}".encode()}
    if key and parsed.userinfo:  # the user and password of the URL take the Authorization header
        headers[b"X-API-Key"] = key.encode()
    elif key:
        headers[b"Authorization"] = f"Bearer {key}".encode()
    return Address(url=parsed, headers=headers, trust_env=not _is_loopback(parsed.host))


def _parse(text: str) -> httpx.URL | None:
    """Return None for a text that is not the URL of a service."""
    try:
        url = httpx.URL(text)
        url.raw_host.decode("ascii").encode("idna")  # as sockets do, which would fail later
    except (httpx.InvalidURL, UnicodeError):
        return None
    valid = url.scheme in ("http", "https") and url.host and (url.port or 0) <= 65535
    return url if valid and not url.query and not url.fragment else None


def _is_loopback(host: str) -> bool:
    """Whether it is this machine, which no proxy leads to."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
