"""Batches: as a table, as a page and as lines for scripts."""

from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from offload.client import Batch
from offload.commands.terminal.jobs import STYLES
from offload.commands.terminal.output import escape, print_record, print_row, print_view
from offload.commands.terminal.tables import Column, key_values, table
from offload.commands.terminal.units import ago, duration

STATES = ("queued", "running", "succeeded", "failed", "cancelled")


def job_count(batch: Batch) -> str:
    """Returns the number of jobs as text: `3 jobs`."""
    return f"{batch.size:,} {'job' if batch.size == 1 else 'jobs'}"


def counts_text(batch: Batch) -> Text:
    """Returns the states that jobs are in: `12 running, 3 failed`."""
    counts = ((state, getattr(batch.counts, state)) for state in STATES)
    parts = [Text(f"{count:,} {state}", style=STYLES[state]) for state, count in counts if count]
    return Text(", ").join(parts)


def print_batch(batch: Batch, *, as_json: bool) -> None:
    """Prints a batch: as JSON, as a page on a terminal, or as lines for scripts."""
    print_record(batch, lambda batch: print_view(batch_page(batch)), _print_fields, as_json=as_json)


def batch_page(batch: Batch) -> RenderableType:
    """Returns a page about one batch."""
    share = f"{batch.progress.fraction:.0%}"
    bar = Table.grid(padding=(0, 2))
    bar.add_row(ProgressBar(total=1.0, completed=batch.progress.fraction, width=40), share)
    return Group(Text.assemble(("batch", "bold"), f"  {job_count(batch)}"), key_values(list(_fields(batch))), bar)


def _print_fields(batch: Batch) -> None:
    """Prints the same for scripts, one name and value per line."""
    for name, value in _fields(batch):
        print_row(name, value)


def _fields(batch: Batch) -> Iterator[tuple[str, Text | str]]:
    yield "id", batch.id
    yield "kind", escape(batch.kind)
    if batch.owner is not None:
        yield "owner", escape(batch.owner)
    if batch.labels:
        yield "labels", escape(", ".join(batch.labels))
    yield "jobs", counts_text(batch)
    yield "submitted", f"{batch.created_at:%Y-%m-%d %H:%M:%S} UTC, {ago(batch.created_at)}"
    if batch.finished_at is not None:
        yield "took", duration((batch.finished_at - batch.created_at).total_seconds())


COLUMNS = (
    Column(name="id"),
    Column(name="jobs", justify="right"),
    Column(name="done", justify="right"),
    Column(name="submitted", style="dim"),
    Column(name="states"),
)


def batches_table(batches: Iterable[Batch]) -> RenderableType:
    """Returns a table with a row for each batch."""
    rows = [
        (batch.id, f"{batch.size:,}", f"{batch.progress.fraction:.0%}", ago(batch.created_at), counts_text(batch))
        for batch in batches
    ]
    return table(COLUMNS, rows)


def print_batch_row(batch: Batch) -> None:
    """Prints one batch on one line, for scripts."""
    counts = (getattr(batch.counts, state) for state in STATES)
    print_row(batch.id, batch.size, batch.progress.done, *counts, batch.raw["created_at"])
