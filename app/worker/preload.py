"""Imported by the forkserver alone, last: loads what lanes need."""

import app.worker.execute  # noqa: F401  # what a lane runs
from app.worker.registry import preload

preload()
