"""Whether a request of a browser was made by a page of another site (see docs/decisions/0027).

A service without keys trusts whoever reaches it. A page that somebody on this machine looks at reaches it, too: it may
post forms to any address, and may read the answers where its own name was made to lead here (DNS rebinding).
"""

import ipaddress
from functools import lru_cache
from urllib.parse import urlsplit

RawHeaders = list[tuple[bytes, bytes]]
"""As ASGI has them: names are lower case."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""They change nothing, and what they answer is kept from pages of other origins by the browser."""

LOCAL = (".localhost", ".local", ".internal")
"""Endings of names that nobody can register."""


def foreign(method: str, headers: RawHeaders, known_hosts: tuple[str, ...]) -> str | None:
    """Why a request is refused, in a sentence; None where it is not.

    A name in `Host` must be one that no stranger can have pointed here: an address, a name without a dot, a local one
    or one of `known_hosts`. What is not just read must come from no page at all or from one of this service's, by
    `Sec-Fetch-Site`, or `Origin` where a browser does not send that. Scripts send neither.
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
        stranger = site not in {b"same-origin", b"none"}
    else:
        stranger = origin is not None and origin.partition("://")[2].lower() != host.lower()
    return f"A page of another site ({(origin or 'unknown')[:100]}) sent this." if stranger else None


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
