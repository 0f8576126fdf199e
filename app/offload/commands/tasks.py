"""`offload tasks`: what can be submitted, and how."""

import json
import shlex
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from offload.client import Task
from offload.commands.completion import task_names
from offload.commands.connection import Service
from offload.commands.figures import duration
from offload.commands.options import AsJson, named
from offload.commands.screen import compact, safe, show, write, write_all, write_row
from offload.commands.tables import Column, table
from offload.commands.values import types_of


def tasks(
    offload: Service,
    name: Annotated[
        str | None, typer.Argument(metavar="TASK", help="Its name.", parser=named, autocompletion=task_names)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the tasks, or show one with its parameters."""
    if name is not None:
        write(offload.task(name), lambda task: show(_page(task)), _write_params, as_json=as_json)
        return
    write_all(
        offload.tasks(),
        lambda found: show(_table(found)),
        lambda task: write_row(task.name, task.summary),
        as_json=as_json,
    )


def _table(found: list[Task]) -> RenderableType:
    columns = Column(name="task", style="bold"), Column(name="what it does")
    return table(columns, [(safe(task.name), safe(task.summary)) for task in found], fold=True)


PARAM_COLUMNS = (
    Column(name="parameter", style="bold"),
    Column(name="type"),
    Column(name="default"),
    Column(name="what it is"),
)


def _page(task: Task) -> RenderableType:
    limits = task.limits
    said = f"An attempt may run for {duration(limits.timeout_s)} and use {limits.memory_mb} MiB."
    parts: list[RenderableType] = [
        Text(safe(task.name), style="bold"),
        Text(_unfolded(task.description)),
        "",
        table(PARAM_COLUMNS, list(_params(task)), fold=True),
        "",
        Text(said, style="dim"),
    ]
    if task.example is not None:
        parts += ["", Text(example(task.name, task.example), style="green")]
    return Group(*parts)


def _unfolded(text: str) -> str:
    """Each paragraph in a line, which the terminal folds anew."""
    return "\n".join(safe(paragraph.replace("\n", " ")) for paragraph in text.split("\n\n"))


def _write_params(task: Task) -> None:
    for row in _params(task):
        write_row(*row)


def _params(task: Task) -> Iterator[tuple[str, str, str, str]]:
    """Name, types, default and description of each parameter."""
    required = task.params.get("required", ())
    for name, wanted in task.params.get("properties", {}).items():
        default = "" if name in required or "default" not in wanted else compact(wanted["default"])
        yield safe(name), _types(wanted, task.params), default, safe(str(wanted.get("description", "")))


def _types(wanted: dict[str, Any], schema: dict[str, Any]) -> str:
    choices = wanted.get("enum", ())
    shown = choices or dict.fromkeys(types_of(wanted, schema))
    return safe(" | ".join(str(each) for each in shown)) + ("" if "default" in wanted else ", required")


def example(name: str, params: dict[str, Any]) -> str:
    """A command line that works."""
    given = (f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in params.items())
    return safe(shlex.join(["offload", "submit", name, *given, "--wait"]))
