"""`offload stats`: lanes, queue and durations."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from offload.client import Stats
from offload.commands.arguments.service import Service
from offload.commands.arguments.shared import AsJson
from offload.commands.terminal.output import escape, print_record, print_row, print_view
from offload.commands.terminal.tables import Column, table
from offload.commands.terminal.units import duration

LANE_STYLES = {"busy": "blue", "idle": "green", "opening": "yellow"}


def stats(offload: Service, as_json: AsJson = False) -> None:
    """Show the lanes, the queue, and how long each task takes."""
    print_record(offload.stats(), _print_tables, _print_rows, as_json=as_json)


def _print_tables(now: Stats) -> None:
    print_view(Group(lanes_table(now), "", queue_line(now), "", _tasks_table(now)))


def _print_rows(now: Stats) -> None:
    for row in _rows(now):
        print_row(*row)


def lanes_table(now: Stats) -> RenderableType:
    """Returns a table with a row for each lane."""
    table = Table.grid(padding=(0, 2))
    for number, lane in enumerate(now.lanes, 1):
        state = Text(escape(lane.state), style=LANE_STYLES.get(lane.state, ""))
        table.add_row(f"lane {number}", state, Text(escape(lane.job or lane.problem or "")), duration(lane.busy_s))
    return table


def queue_line(now: Stats) -> RenderableType:
    """Returns the number of queued jobs, by owner and priority."""
    by_owner = ", ".join(
        f"{waiting.jobs:,}" + (f" of {waiting.owner}" if waiting.owner else "") + f" at priority {waiting.priority}"
        for waiting in now.queue.waiting
    )
    return Text(
        escape(f"{now.queue.size:,} of at most {now.queue.limit:,} queued" + (f": {by_owner}" if by_owner else ""))
    )


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
        rows.append((escape(name), *counts, f"{task.per_s:.3g}", *times))
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
