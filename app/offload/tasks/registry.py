"""The tasks of a service: the built-in two, and those that `OFFLOAD_TASKS` names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from offload.digests import task as file_digest
from offload.tasks import fibonacci
from offload.tasks.build import build_task
from offload.tasks.decorator import options_of
from offload.tasks.definition import Task
from offload.tasks.signature import UnsupportedSignatureError
from offload.tasks.tasks_setting import TaskEntry, entry_error, read_entries


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySpec:
    """What a registry is built from: plain data, so that every lane can build the same one."""

    tasks: str = ""
    """The value of OFFLOAD_TASKS."""
    fibonacci_max_n: int = 10_000_000
    fibonacci_max_recursive_n: int = 40


Registry = Mapping[str, Task]
"""Tasks by name, the built-in ones first."""


def load_registry(spec: RegistrySpec) -> Registry:
    """Build the registry. Raise `BootError`, which names the wrong entry and says what to write instead."""
    tasks = {task.name: task for task in _built_in(spec)}
    for entry in read_entries(spec.tasks):
        if entry.name in tasks:
            raise entry_error(entry.text, f'there already is a task "{entry.name}". Write {entry.renamed}')
        tasks[entry.name] = _from_entry(entry)
    return MappingProxyType(tasks)


def _built_in(spec: RegistrySpec) -> Iterator[Task]:
    limits = fibonacci.FibonacciLimits(max_n=spec.fibonacci_max_n, max_recursive_n=spec.fibonacci_max_recursive_n)
    yield build_task("fibonacci", fibonacci.fibonacci, cost=limits.cost)
    yield build_task("file-digest", file_digest.file_digest, examine=file_digest.examine)


def _from_entry(entry: TaskEntry) -> Task:
    options = options_of(entry.function)
    try:
        return build_task(entry.name, entry.function, limits=options.limits, cost=options.cost)
    except UnsupportedSignatureError as error:
        raise entry_error(entry.text, f"it can't be a task: {error}.") from error
