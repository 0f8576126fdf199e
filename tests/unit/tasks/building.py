"""Registries and contexts for the tests of this folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from offload.tasks.context import Context, Places
from offload.tasks.definition import Task
from offload.tasks.registry import Registry, RegistrySpec, load_registry

MODULE = "tests.unit.tasks.functions"


class Reports:
    """A progress function that keeps what was reported."""

    def __init__(self, then: Callable[[], None] | None = None) -> None:
        self.seen: list[tuple[int, int | None, str | None, str | None]] = []
        self._then = then

    def __call__(
        self, done: int, total: int | None = None, *, unit: str | None = None, note: str | None = None
    ) -> None:
        self.seen.append((done, total, unit, note))
        if self._then is not None:
            self._then()


def context_in(directory: Path, progress: Reports | None = None) -> Context:
    files, uploads = directory / "files", directory / "uploads"
    files.mkdir(exist_ok=True)
    uploads.mkdir(exist_ok=True)
    return Context(places=Places(files_dir=files, uploads_dir=uploads), progress=progress or Reports())


def registry_of(tasks: str = "") -> Registry:
    return load_registry(RegistrySpec(tasks=tasks))


def users_task(attribute: str) -> Task:
    """Builds a task from one of the functions in `functions`."""
    return registry_of(f"the-task={MODULE}:{attribute}")["the-task"]


def built_in(name: str, **ceilings: Any) -> Task:  # Any: the spec's own fields
    return load_registry(RegistrySpec(**ceilings))[name]
