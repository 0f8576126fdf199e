"""What moves on stderr while one waits, where that is a terminal; elsewhere nothing does."""

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

from offload.commands.screen import err, safe, shows_progress


@contextmanager
def waiting_bar(name: str) -> Iterator[Callable[[float | None, str], None]]:
    """Gives what moves the bar: a fraction, where one is known, and a text."""
    state = TextColumn("{task.fields[state]}", markup=False, style="dim")
    title = TextColumn("{task.description}", markup=False)
    with _progress(SpinnerColumn(), title, BarColumn(bar_width=None), state, TimeElapsedColumn()) as progress:
        shown = progress.add_task(safe(name), total=None, state="")

        def move(fraction: float | None, text: str) -> None:
            total = None if fraction is None else 1.0
            progress.update(shown, completed=fraction or 0.0, total=total, state=safe(text))

        yield move


class SendingBar:
    """How many bytes of all have been sent. Seen between `with bar:` and its end, as often as wanted."""

    def __init__(self, total: int) -> None:
        columns = BarColumn(bar_width=None), DownloadColumn(binary_units=True), TransferSpeedColumn()
        self._progress = _progress(*columns, TimeRemainingColumn())
        self._shown = self._progress.add_task("", total=total or None)

    def moved(self, more: int) -> None:
        """So many bytes more. From any thread."""
        self._progress.advance(self._shown, more)

    def __enter__(self) -> None:
        self._progress.start()

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def _progress(*columns: ProgressColumn) -> Progress:
    """A bar that leaves nothing behind, and stdout as it is: that may lead somewhere else."""
    return Progress(
        *columns,
        console=err(),
        transient=True,
        expand=True,
        redirect_stdout=False,
        redirect_stderr=False,
        disable=not shows_progress(),
    )
