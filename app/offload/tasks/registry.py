"""The tasks of a service: the built-in two, and those that `OFFLOAD_TASKS` names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from offload.digests import task as file_digest
from offload.tasks import fibonacci
from offload.tasks.declaration import declared
from offload.tasks.definition import Task
from offload.tasks.entries import Entry, read_entries, refusal
from offload.tasks.registration import make_task
from offload.tasks.signature import UnsupportedSignatureError


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySpec:
    """What a registry is made of: plain data, so that every lane can make the same one."""

    tasks: str = ""
    """As in OFFLOAD_TASKS."""
    fibonacci_max_n: int = 10_000_000
    fibonacci_max_recursive_n: int = 40


Registry = Mapping[str, Task]
"""Tasks by name, the built-in ones first."""


def load(spec: RegistrySpec) -> Registry:
    """Makes the registry. Raises `BootError`, naming the entry that is wrong and saying what to write instead."""
    tasks = {task.name: task for task in _built_in(spec)}
    for entry in read_entries(spec.tasks):
        if entry.name in tasks:
            raise refusal(entry.text, f'there already is a task "{entry.name}". Write {entry.renamed}')
        tasks[entry.name] = _users(entry)
    return MappingProxyType(tasks)


def _built_in(spec: RegistrySpec) -> Iterator[Task]:
    ceilings = fibonacci.Ceilings(max_n=spec.fibonacci_max_n, max_recursive_n=spec.fibonacci_max_recursive_n)
    yield make_task("fibonacci", fibonacci.fibonacci, price=ceilings.price)
    yield make_task("file-digest", file_digest.file_digest, examine=file_digest.examine)


def _users(entry: Entry) -> Task:
    declaration = declared(entry.function)
    try:
        return make_task(entry.name, entry.function, limits=declaration.limits, price=declaration.price)
    except UnsupportedSignatureError as error:
        raise refusal(entry.text, f"it can't be a task: {error}.") from error
