"""Loads what lanes need. The forkserver imports this module last, and no other process does."""

import contextlib
import gc
import importlib
import json
import os

from offload.tasks.registry import RegistrySpec
from offload.wire.messages import PRELOAD_VARIABLE
from offload.worker.entry_points import registry

LATE = ("gmpy2", "blake3", "xxhash")
"""Modules that the built-in tasks import only when they run."""

for module in LATE:
    importlib.import_module(module)
with contextlib.suppress(BaseException):  # of a user's module; the server and the lanes import it too, and report it
    registry(RegistrySpec(**json.loads(os.environ.pop(PRELOAD_VARIABLE))))
gc.freeze()  # or the first collection in a lane would write to every page that it shares with the forkserver
