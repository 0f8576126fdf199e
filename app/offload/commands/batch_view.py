"""A batch, as people and scripts see it."""

from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from offload.client import Batch
from offload.commands.figures import ago, duration
from offload.commands.job_view import STYLES
from offload.commands.screen import safe, show, write, write_row
from offload.commands.tables import Column, facts, table

STATES = ("queued", "running", "succeeded", "failed", "cancelled")


def jobs_in(batch: Batch) -> str:
    """How many they are: `3 jobs`."""
    return f"{batch.size:,} {'job' if batch.size == 1 else 'jobs'}"


def counts_text(batch: Batch) -> Text:
    """`12 running, 3 failed`: those states that some job is in."""
    counts = ((state, getattr(batch.counts, state)) for state in STATES)
    said = [Text(f"{count:,} {state}", style=STYLES[state]) for state, count in counts if count]
    return Text(", ").join(said)


def write_whole(batch: Batch, *, as_json: bool) -> None:
    """All of a batch, for whoever reads it."""
    write(batch, lambda batch: show(batch_page(batch)), _write_page, as_json=as_json)


def batch_page(batch: Batch) -> RenderableType:
    """All of a batch, for people."""
    share = f"{batch.progress.fraction:.0%}"
    bar = Table.grid(padding=(0, 2))
    bar.add_row(ProgressBar(total=1.0, completed=batch.progress.fraction, width=40), share)
    return Group(Text.assemble(("batch", "bold"), f"  {jobs_in(batch)}"), facts(list(_facts(batch))), bar)


def _write_page(batch: Batch) -> None:
    """The same for scripts: name and value a line."""
    for name, value in _facts(batch):
        write_row(name, value)


def _facts(batch: Batch) -> Iterator[tuple[str, Text | str]]:
    yield "id", batch.id
    yield "kind", safe(batch.kind)
    if batch.owner is not None:
        yield "owner", safe(batch.owner)
    if batch.labels:
        yield "labels", safe(", ".join(batch.labels))
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
    """A line for each batch."""
    rows = [
        (batch.id, f"{batch.size:,}", f"{batch.progress.fraction:.0%}", ago(batch.created_at), counts_text(batch))
        for batch in batches
    ]
    return table(COLUMNS, rows)


def write_batch(batch: Batch) -> None:
    """A line for scripts."""
    counts = (getattr(batch.counts, state) for state in STATES)
    write_row(batch.id, batch.size, batch.progress.done, *counts, batch.raw["created_at"])
