"""Tasks that use Offload and multiprocessing themselves."""

import multiprocessing
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from offload.client import Client

OFFLOAD = Path(sys.executable).with_name("offload")


def serve(directory: str, pidfile: str, gate: str | None = None) -> list[int]:
    """Run a service. A job of it leaves processes. Return how it ends, or wait for the gate."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("OFFLOAD_")}
    inner = subprocess.Popen(
        [OFFLOAD, "serve", "--port", "0", "--lanes", "1", "--data-dir", directory],
        env={**own, "OFFLOAD_TASKS": "leave=daemon_tasks:leave"},
        stdout=subprocess.PIPE,
        text=True,
    )
    with inner:
        assert inner.stdout is not None
        url = inner.stdout.readline().removeprefix("Offload ready on ").split()[0]
        with Client(url) as client:
            client.submit("leave", {"pidfile": pidfile, "gate": gate})
            while gate is not None and not os.path.exists(gate):  # noqa: PTH110
                time.sleep(0.01)
            digest = subprocess.run([OFFLOAD, "digest", "--url", url, __file__], stdout=subprocess.DEVNULL, check=False)
        inner.terminate()
    return [digest.returncode, inner.returncode]


def pool(method: str) -> list[int]:
    """Use a pool of processes."""
    with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as executor:
        return list(executor.map(abs, [-1, -2, -3]))
