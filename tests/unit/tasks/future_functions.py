"""A user's function in a module whose annotations are text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import Field


def climb(steps: Annotated[int, Field(gt=0)], progress: Callable[[int, int], None] | None = None) -> list[int]:
    """Climbs."""
    if progress is not None:
        progress(steps, steps)
    return [steps]
