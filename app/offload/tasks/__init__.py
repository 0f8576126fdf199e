"""Tasks: what a job can run. `task` sets a function's own limits; everything else is in the modules of this package."""

from offload.tasks.declaration import task

__all__ = ["task"]
