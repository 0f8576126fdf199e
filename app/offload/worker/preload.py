"""Loads what lanes need. The forkserver imports this module last, and no other process does."""

import contextlib
import gc
import importlib
import json
import os
import sys

from offload.tasks.registry import RegistrySpec
from offload.wire.messages import PRELOAD_VARIABLE, SAFE_PATH
from offload.worker.entry_points import registry

LATE = ("gmpy2", "blake3", "xxhash")
"""Modules that the built-in tasks import only when they run."""

for module in LATE:
    importlib.import_module(module)
if PRELOAD_VARIABLE in os.environ:
    setup = json.loads(os.environ.pop(PRELOAD_VARIABLE))
    if setup["safe_path"] is None:  # it was set for the start of the forkserver only
        os.environ.pop(SAFE_PATH, None)
    sys.path[:] = setup["sys_path"]  # the server's, so that both import the same modules
    with contextlib.suppress(BaseException):  # of a user's module: the server and the lanes import and report it, too
        registry(RegistrySpec(**setup["spec"]))
gc.freeze()  # or the first collection in a lane would write to every page that it shares with the forkserver
