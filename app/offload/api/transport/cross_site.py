"""Rejects requests that a browser sends for a page of another site (docs/decisions/0027).

A service without keys trusts every client that can connect. A web page in a browser on this machine can connect, too:
it may post forms to any address, and with DNS rebinding it can also read the responses.
"""

import ipaddress
from functools import lru_cache
from urllib.parse import urlsplit

RawHeaders = list[tuple[bytes, bytes]]
"""As in ASGI: lower-case names."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing. The browser hides their responses from pages of other origins."""

LOCAL = (".localhost", ".local", ".internal")
"""Suffixes of names that can't be registered."""


def rejection(method: str, headers: RawHeaders, known_hosts: tuple[str, ...]) -> str | None:
    """Returns why a request is rejected, in a sentence; None where it is allowed.

    `Host` must be a name that no attacker can point here: an IP address, a name without a dot, a local name or one of
    `known_hosts`. A request that changes something must come from this service's own page or from no page at all, by
    `Sec-Fetch-Site`, or by `Origin` in browsers that do not send it. Scripts send neither.
    """
    host, origin, site = "", None, None
    for name, value in headers:
        if name == b"host":
            host = value.decode("latin-1")
            if not _is_ours(host, known_hosts):
                return f"The Host {host[:100]!r} is not known. Use an address, or add the name to OFFLOAD_KNOWN_HOSTS."
        elif name == b"origin":
            origin = value.decode("latin-1")
        elif name == b"sec-fetch-site":
            site = value
    if method in SAFE_METHODS:
        return None
    if site is not None:
        is_foreign = site not in {b"same-origin", b"none"}
    else:
        is_foreign = origin is not None and origin.partition("://")[2].lower() != host.lower()
    return f"A page of another site ({(origin or 'unknown')[:100]}) sent this." if is_foreign else None


@lru_cache(maxsize=64)
def _is_ours(host: str, known: tuple[str, ...]) -> bool:
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    return "." not in name or name.endswith(LOCAL) or name in known or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
