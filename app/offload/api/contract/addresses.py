"""Addresses of the service in responses, below the prefix at which the request came in."""

from contextvars import ContextVar

from starlette.types import Scope

PREFIX: ContextVar[str] = ContextVar("prefix", default="")
"""The path below which the service is mounted: "" at the root of a host, "/offload" below that path."""


def address(path: str) -> str:
    """Returns the address of a path of the API, for `Location`, links and pages."""
    return PREFIX.get() + path


def route_path(scope: Scope) -> str:
    """Returns the path of a request below the prefix, as the routes know it."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))
