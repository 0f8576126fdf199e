"""`offload stats`: what the service is doing."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from offload.client import Stats
from offload.commands.connection import Service
from offload.commands.figures import duration
from offload.commands.options import AsJson
from offload.commands.screen import safe, show, write, write_row
from offload.commands.tables import Column, table

LANE_STYLES = {"busy": "blue", "idle": "green", "opening": "yellow"}


def stats(offload: Service, as_json: AsJson = False) -> None:
    """Show what lanes and queue are doing, and how long tasks take."""
    write(offload.stats(), _show, _write_rows, as_json=as_json)


def _show(now: Stats) -> None:
    show(Group(lanes_table(now), "", queue_line(now), "", _tasks_table(now)))


def _write_rows(now: Stats) -> None:
    for row in _rows(now):
        write_row(*row)


def lanes_table(now: Stats) -> RenderableType:
    """A line for each lane."""
    table = Table.grid(padding=(0, 2))
    for number, lane in enumerate(now.lanes, 1):
        state = Text(safe(lane.state), style=LANE_STYLES.get(lane.state, ""))
        table.add_row(f"lane {number}", state, Text(safe(lane.job or "")), duration(lane.busy_s))
    return table


def queue_line(now: Stats) -> RenderableType:
    """How many wait, and whose."""
    whose = ", ".join(
        f"{waiting.jobs:,}" + (f" of {waiting.owner}" if waiting.owner else "") + f" at priority {waiting.priority}"
        for waiting in now.queue.waiting
    )
    return Text(safe(f"{now.queue.size:,} of at most {now.queue.limit:,} queued" + (f": {whose}" if whose else "")))


TASK_COLUMNS = (
    Column(name="task", style="bold"),
    *(
        Column(name=name, justify="right")
        for name in ("succeeded", "failed", "cancelled", "per second", "run p50", "run p95", "wait p50")
    ),
)


def _tasks_table(now: Stats) -> RenderableType:
    rows = []
    for name, task in now.tasks.items():
        counts = (f"{count:,}" for count in (task.succeeded, task.failed, task.cancelled))
        times = (duration(each) for each in (task.run_s_p50, task.run_s_p95, task.wait_s_p50))
        rows.append((safe(name), *counts, f"{task.per_s:.3g}", *times))
    return table(TASK_COLUMNS, rows)


def _rows(now: Stats) -> Iterator[tuple[object, ...]]:
    for number, lane in enumerate(now.lanes, 1):
        yield "lane", number, lane.state, lane.pid, lane.job, lane.busy_s
    yield "queue", now.queue.size, now.queue.limit
    for waiting in now.queue.waiting:
        yield "waiting", waiting.owner, waiting.priority, waiting.jobs
    for name, task in now.tasks.items():
        counts = task.succeeded, task.failed, task.cancelled, task.per_s
        yield "task", name, *counts, task.run_s_p50, task.run_s_p95, task.wait_s_p50
