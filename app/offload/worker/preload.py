"""Imported by the forkserver alone, last: loads what lanes need."""

import offload.worker.lane  # noqa: F401  # what a lane runs
from offload.worker.registry import preload

preload()
