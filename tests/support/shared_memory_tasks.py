"""A task that leaves in /dev/shm what multiprocessing, loky and joblib leave there when their process is killed."""

import json
import multiprocessing
import os
import time
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")


def litter(note: str, gate: str) -> None:
    """Write to `note` what was left, and wait for the gate."""
    lock = multiprocessing.get_context("spawn").Lock()
    semaphore = SHARED_MEMORY / f"sem.loky-{os.getpid()}-abcdefg"
    semaphore.touch()
    folder = SHARED_MEMORY / f"joblib_memmapping_folder_{os.getpid()}_ab_cd"
    folder.mkdir()
    (folder / "array.pkl").touch()
    own = SHARED_MEMORY / f"sem.{lock._semlock.name.removeprefix('/')}"  # type: ignore[attr-defined]  # it has no other
    assert own.exists()
    Path(f"{note}.new").write_text(json.dumps([str(path) for path in (own, semaphore, folder)]))
    Path(f"{note}.new").rename(note)
    while not Path(gate).exists():
        time.sleep(0.005)
