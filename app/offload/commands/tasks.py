"""`offload tasks`: the tasks of the service and their parameters."""

import json
import shlex
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from offload.client import Task
from offload.commands.arguments.completion import task_names
from offload.commands.arguments.service import Service
from offload.commands.arguments.shared import AsJson, identifier
from offload.commands.terminal.output import compact, escape, print_record, print_records, print_row, print_view
from offload.commands.terminal.tables import Column, table
from offload.commands.terminal.types import type_text
from offload.commands.terminal.units import duration


def tasks(
    offload: Service,
    name: Annotated[
        str | None, typer.Argument(metavar="TASK", help="Name of a task.", parser=identifier, autocompletion=task_names)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the tasks, or show one task with its parameters."""
    if name is not None:
        print_record(offload.task(name), lambda task: print_view(_page(task)), _print_params, as_json=as_json)
        return
    print_records(
        offload.tasks(),
        lambda found: print_view(_table(found)),
        lambda task: print_row(task.name, task.summary),
        as_json=as_json,
    )


def _table(found: list[Task]) -> RenderableType:
    columns = Column(name="task", style="bold"), Column(name="description")
    return table(columns, [(escape(task.name), escape(task.summary)) for task in found], fold=True)


PARAM_COLUMNS = (
    Column(name="parameter", style="bold"),
    Column(name="type"),
    Column(name="default"),
    Column(name="description"),
)


def _page(task: Task) -> RenderableType:
    limits = task.limits
    text = f"Limits of an attempt: {duration(limits.timeout_s)}, {limits.memory_mb} MiB."
    parts: list[RenderableType] = [
        Text(escape(task.name), style="bold"),
        Text(_reflowed(task.description)),
        "",
        table(PARAM_COLUMNS, list(_params(task)), fold=True),
        "",
        Text(text, style="dim"),
    ]
    if task.example is not None:
        parts += ["", Text(example(task.name, task.example), style="green")]
    return Group(*parts)


def _reflowed(text: str) -> str:
    """Joins the lines of each paragraph, so that the terminal wraps them."""
    return "\n".join(escape(paragraph.replace("\n", " ")) for paragraph in text.split("\n\n"))


def _print_params(task: Task) -> None:
    for row in _params(task):
        print_row(*row)


def _params(task: Task) -> Iterator[tuple[str, str, str, str]]:
    """Yields name, types, default and description of each parameter."""
    required = task.params.get("required", ())
    for name, wanted in task.params.get("properties", {}).items():
        default = "" if name in required or "default" not in wanted else compact(wanted["default"])
        yield escape(name), _types(wanted, task.params), default, escape(str(wanted.get("description", "")))


def _types(wanted: dict[str, Any], schema: dict[str, Any]) -> str:
    return escape(type_text(wanted, schema)) + ("" if "default" in wanted else ", required")


def example(name: str, params: dict[str, Any]) -> str:
    """Returns a command line that submits the example."""
    given = (f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in params.items())
    return escape(shlex.join(["offload", "submit", name, *given, "--wait"]))
