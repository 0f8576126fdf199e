"""What a start begins with: the data directory becomes this service's alone, and the forkserver is started.

Light to import, so that `offload serve` does it first. The forkserver then loads what lanes need while the front desk
loads the rest: neither waits for the other.
"""

import gc
import os
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from offload.engines.local import leftovers
from offload.engines.local.forkserver import start_forkserver
from offload.server.settings import Settings
from offload.stores.directories import remove_socket_directory, socket_directory
from offload.stores.lock import lock_directory
from offload.tasks.registry import RegistrySpec
from offload.tracing.environment import wanted


@dataclass(frozen=True, slots=True)
class TakenOver:
    """A data directory that is this service's alone. `close` gives it back; a second time it does nothing."""

    run_dir: Path
    """For what is of use only as long as the service runs. Its lanes must have ended before `close`."""
    _giving_back: ExitStack

    def close(self) -> None:
        self._giving_back.close()


def take_over(settings: Settings) -> TakenOver:
    """Takes the directory over from earlier services, of which nothing is left. Raises `BootError`."""
    data_dir = settings.data_dir
    run_dir = data_dir / "run"
    with ExitStack() as stack:
        stack.callback(lock_directory(data_dir).close)
        leftovers.mark_descendants(data_dir)
        leftovers.kill_leftovers(data_dir)
        stack.callback(leftovers.kill_own_leftovers, data_dir)
        _remove(run_dir)
        stack.callback(_remove, run_dir)
        # Frees executors' semaphores, for which a service that ends by its signal has no exit handler.
        stack.callback(gc.collect)
        modules = ["offload.stores.manager", *(["offload.worker.traces"] if wanted(os.environ) else [])]
        start_forkserver(modules, spec_of(settings), socket_directory(run_dir))
        return TakenOver(run_dir, stack.pop_all())


def spec_of(settings: Settings) -> RegistrySpec:
    """Which tasks there are to be."""
    return RegistrySpec(
        tasks=settings.tasks,
        fibonacci_max_n=settings.fibonacci_max_n,
        fibonacci_max_recursive_n=settings.fibonacci_max_recursive_n,
    )


def _remove(run_dir: Path) -> None:
    shutil.rmtree(run_dir, ignore_errors=True)
    remove_socket_directory(run_dir)
