"""The tasks that this process can run: made once, in the forkserver where it can be, for all lanes to share."""

import contextlib
import gc
import importlib
import json
import os
from dataclasses import asdict
from functools import cache

from offload.tasks.registry import RegistrySpec, load

VARIABLE = "OFFLOAD_PRELOAD"
"""How the forkserver is told what to load: in its environment, since its preload is a list of modules' names."""

LATE = ("gmpy2", "blake3", "xxhash")
"""What the built-in tasks import only when they run."""

registry = cache(load)
"""See `load`. What it raises is not remembered."""


def announce(spec: RegistrySpec) -> None:
    """Has `preload` know the tasks, in a forkserver that this process starts later."""
    os.environ[VARIABLE] = json.dumps(asdict(spec))


def preload() -> None:
    """Makes the registry that was announced. Whatever users' modules raise is told by others, who import them, too."""
    for module in LATE:
        importlib.import_module(module)
    with contextlib.suppress(BaseException):
        registry(RegistrySpec(**json.loads(os.environ.pop(VARIABLE))))
    gc.freeze()  # or the first collection in a lane would write to every page that it shares
