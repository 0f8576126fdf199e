"""Tasks of an imaginary studio for the pictures: each reports some progress and then waits until it is stopped.

`moment`, which returns the time, is for measurements.
"""
# ruff: noqa: ARG001  # the parameters are shown in forms

import time
from collections.abc import Callable
from typing import Annotated, Literal, NoReturn

from pydantic import Field


def render(
    scene: Annotated[str, Field(min_length=1, description="File name without its suffix.")],
    progress: Callable[[int, int], None],
    frames: Annotated[int, Field(ge=1, le=10_000)] = 240,
    quality: Literal["draft", "final"] = "final",
    denoise: bool = True,
    seed: int | None = None,
) -> NoReturn:
    """Render the frames of a scene.

    A final frame takes about ten times as long as a draft.
    """
    progress(frames * (17 * len(scene) % 90 + 5) // 100, frames)
    _wait()


def train(
    corpus: str,
    progress: Callable[[int, int], None],
    epochs: Annotated[int, Field(gt=0)] = 12,
    learning_rate: Annotated[float, Field(gt=0, lt=1)] = 0.003,
) -> NoReturn:
    """Train a model on a corpus."""
    progress(epochs * 2 // 3, epochs)
    _wait()


def transcode(film: str, codec: Literal["av1", "vp9", "h265"] = "av1") -> str:
    """Transcode a film."""
    if film.endswith(".lost"):
        raise FileNotFoundError(f"There is no film {film!r} in the archive.")
    return f"{film}.{codec}.mkv"


def thumbnail(photo: str, width: Annotated[int, Field(ge=16, le=2048)] = 320) -> dict[str, str | int]:
    """Make a small picture of a photo."""
    return {"photo": photo, "width": width, "height": width * 2 // 3}


def moment() -> float:
    """Return the time at which the worker finished."""
    return time.time()


def _wait() -> NoReturn:
    while True:
        time.sleep(1)
