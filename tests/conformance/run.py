"""The service as a real process with real lanes, and schemathesis let loose on it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.support.keys import ALICE, BOB, ENTRIES, bearer
from tests.support.server import Server

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
CONFIG = HERE / "schemathesis.toml"
COMMAND = Path(sys.executable).with_name("schemathesis")

TASKS = "greet blob chatter refuse leave"
"""Tasks that succeed, at once and slowly, that fail, and that lose their process."""

LIMITS: dict[str, str | float] = {
    # A job that only its limit ends must not hold up those that wait for their end behind it.
    "default_timeout_s": 0.2,
    "max_timeout_s": 0.4,
    "memory_mb": 256,
}

PEERS = {"alice": ALICE, "bob": BOB}
"""Two callers who must not see each other's jobs; neither is an admin."""


class Said(NamedTuple):
    """How a run ended: its exit code, which is 0 where nothing was found, and all that schemathesis said."""

    code: int
    text: str


def run(directory: Path, *, seed: int, examples: int, keys: bool, within_s: float) -> Said:
    """One run against a service below `directory`; `examples` for each operation and phase.

    Raises `subprocess.TimeoutExpired`, and `AssertionError` where the service leaves something behind.
    """
    tasks = ", ".join(f"sample_tasks:{name}" for name in TASKS.split())
    server = Server(directory, tasks=tasks)
    server.settings |= LIMITS | ({"api_keys": ENTRIES} if keys else {})
    with server:
        (server.files_dir / "hello.txt").write_bytes(b"hello")
        done = subprocess.run(
            [
                *(COMMAND, "--config-file", _config(directory, keys)),
                *("run", f"{server.api.http.base_url}/openapi.json"),
                *("--seed", str(seed), "--max-examples", str(examples), "--checks", "all", "--no-color"),
            ],
            cwd=directory,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=within_s,
            check=False,
        )
    return Said(done.returncode, done.stdout)


def _config(directory: Path, keys: bool) -> Path:
    """The configuration, for a service with keys completed by who calls."""
    config = CONFIG.read_text()
    if keys:
        users = [
            {"name": name, "fixedHeaders": [{"name": header, "value": value} for header, value in bearer(key).items()]}
            for name, key in PEERS.items()
        ]
        (directory / "users.json").write_text(json.dumps({"auth": users}))
        config += '\n[auth.wfc]\npath = "users.json"\nuser = "alice"\npeers = ["alice", "bob"]\n'
    (directory / "schemathesis.toml").write_text(config)
    return directory / "schemathesis.toml"
