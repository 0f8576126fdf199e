"""Progress bars on stderr, where that is a terminal; elsewhere nothing is printed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from offload.commands.terminal.output import can_show_progress, err, escape


@contextmanager
def progress_bar(name: str) -> Iterator[Callable[[float | None, str], None]]:
    """Yields a function that updates the bar: a fraction from 0 to 1, or None where it is unknown, and a text."""
    state = TextColumn("{task.fields[state]}", markup=False, style="dim")
    title = TextColumn("{task.description}", markup=False)
    with _progress(SpinnerColumn(), title, BarColumn(bar_width=None), state, TimeElapsedColumn()) as progress:
        bar = progress.add_task(escape(name), total=None, state="")

        def update(fraction: float | None, text: str) -> None:
            total = None if fraction is None else 1.0
            progress.update(bar, completed=fraction or 0.0, total=total, state=escape(text))

        yield update


class UploadBar:
    """Bytes sent of all bytes. It is visible inside `with bar:`, which may be entered several times."""

    def __init__(self, total: int) -> None:
        columns = BarColumn(bar_width=None), DownloadColumn(binary_units=True), TransferSpeedColumn()
        self._progress = _progress(*columns, TimeRemainingColumn())
        self._bar = self._progress.add_task("", total=total or None)

    def advance(self, sent: int) -> None:
        """Adds bytes that were sent. May be called from any thread."""
        self._progress.advance(self._bar, sent)

    def __enter__(self) -> None:
        self._progress.start()

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def _progress(*columns: ProgressColumn) -> Progress:
    """Returns a bar that disappears at its end and never touches stdout, which may be redirected."""
    return Progress(
        *columns,
        console=err(),
        transient=True,
        expand=True,
        redirect_stdout=False,
        redirect_stderr=False,
        disable=not can_show_progress(),
    )
