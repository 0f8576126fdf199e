"""Offload: CPU-bound Python work, run in processes, behind an HTTP API.

    from offload import task

Names are imported when they are first used, since worker processes need none of them.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offload.tasks.decorator import task

__version__ = "0.1.0"

__all__ = ["__version__", "task"]


def __getattr__(name: str) -> object:
    if name == "task":
        from offload.tasks.decorator import task  # noqa: PLC0415

        return task
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
