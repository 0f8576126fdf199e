"""The first step of a start: claim the data directory for this process, and start the forkserver.

Light to import, so `offload serve` does it first. The forkserver then loads what lanes need while the server loads the
rest, on two cores.
"""

import gc
import os
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from offload.engines.local import leftovers, shared_memory
from offload.engines.local.forkserver import start_forkserver
from offload.server.settings import Settings
from offload.stores.directories import remove_socket_directory, socket_directory
from offload.stores.lock import lock_directory
from offload.stores.reserve import make_room
from offload.tasks.registry import RegistrySpec
from offload.tracing.environment import traces_requested


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """A data directory that this process has claimed."""

    run_dir: Path
    """For files that are only used while the service runs."""
    _release: ExitStack

    def close(self) -> None:
        """Releases the directory. Lanes must have ended before. A second call does nothing."""
        self._release.close()


def claim_data_directory(settings: Settings) -> DataDirectory:
    """Locks the data directory and removes what an earlier service left. Raises `BootError`."""
    data_dir = settings.data_dir
    run_dir = data_dir / "run"
    with ExitStack() as release:
        release.callback(lock_directory(data_dir).close)
        make_room(data_dir)
        leftovers.mark_descendants(data_dir)
        leftovers.kill_leftovers(data_dir)
        shared_memory.remove_semaphores_of_earlier_services(data_dir)
        shared_memory.clean_up_noted_lanes(run_dir)
        release.callback(leftovers.kill_own_leftovers, data_dir)
        _remove(run_dir)
        release.callback(_remove, run_dir)
        # Frees the semaphores of executors. Their exit handlers don't run in a service that ends by a signal.
        release.callback(gc.collect)
        modules = ["offload.stores.manager", *(["offload.worker.traces"] if traces_requested(os.environ) else [])]
        start_forkserver(modules, registry_spec(settings), socket_directory(run_dir))
        return DataDirectory(run_dir, release.pop_all())


def registry_spec(settings: Settings) -> RegistrySpec:
    """Returns which tasks these settings register."""
    return RegistrySpec(
        tasks=settings.tasks,
        fibonacci_max_n=settings.fibonacci_max_n,
        fibonacci_max_recursive_n=settings.fibonacci_max_recursive_n,
    )


def _remove(run_dir: Path) -> None:
    shutil.rmtree(run_dir, ignore_errors=True)
    remove_socket_directory(run_dir)
