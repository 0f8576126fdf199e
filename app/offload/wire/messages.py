"""The messages between the server and a lane. They are plain data: no exception crosses the process line.

server                             lane
   │──── open_lane(LaneSetup) ───────►│   once
   │◄─── LaneOpened ──────────────────│
   │──── run_attempts() ─────────────►│   once for as long as work keeps coming
   │──── Call, … (pipe) ─────────────►│   for each dispatch
   │◄─── Reply (pipe) ────────────────│   for each attempt
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from offload.tasks.context import Places
from offload.tasks.registry import RegistrySpec

INLINE_BYTES = 16 * 1024
"""A result up to this size is part of the outcome. A larger one stays in the attempt's result file."""

MESSAGE_BYTES = 15 * 1024
"""Parameters and results up to this size are part of the message. Larger ones go by file.

A call of up to 16 KiB fits into the empty pipe of 64 KiB, so the server never waits for the lane to read it. The
difference leaves space for the rest of the message.
"""

SAFE_PATH = "PYTHONSAFEPATH"
"""With this variable, Python does not put the working directory on the path of `python -c`."""

PRELOAD_VARIABLE = "_OFFLOAD_PRELOAD"
"""The environment variable in which the forkserver finds its `RegistrySpec` as JSON: its list of modules to preload
takes no arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneSetup:
    """The settings of a lane."""

    registry: RegistrySpec
    places: Places
    results_dir: Path
    """Where the lane writes result files."""
    logs_dir: Path
    """Where the lane writes what attempts print and log."""
    run_dir: Path
    """Where the server writes parameters that are too large for a message, and removes them again."""
    board_address: str
    board_authkey: bytes
    result_max_bytes: int
    nice: int
    """How much is added to the server's nice value."""
    traced: bool = False
    """Whether spans of tasks are exported."""


class LaneOpened(NamedTuple):
    """What `open_lane` returns."""

    held_bytes: int
    """The memory that the idle lane holds: see `wire.procfs.parse_statm`."""
    cpu_s: float
    """The CPU time that the process has used so far."""
    problem: str | None
    """Why this process can't serve as a lane; None when it can."""


class Call(NamedTuple):
    """One attempt to run."""

    job_id: str
    attempt: int
    task: str
    params: bytes | None
    """None when the parameters are in `params_file`."""
    params_file: str | None
    limit_bytes: int
    """How much memory the lane may hold during the attempt."""
    trace: str | None = None
    """The attempt's place in a trace, as a W3C `traceparent`."""


class Fault(NamedTuple):
    """Why an attempt has no result. `kind` is the value of a `FailureKind`."""

    kind: str
    detail: str
    exception: str | None = None
    traceback: str | None = None


class Spent(NamedTuple):
    """What an attempt used: seconds, CPU seconds including its children's, bytes."""

    wall_s: float
    cpu_s: float
    peak_rss_bytes: int
    life_cpu_s: float
    """The CPU seconds since the process was started. The server measures the next attempt from here."""


class Reply(NamedTuple):
    """How an attempt ended, as its own process reports it. Without a fault there is a result."""

    spent: Spent
    fault: Fault | None
    result: bytes | None
    """None when the result is in the attempt's result file."""
    result_bytes: int
    unfit: str | None
    """Why this process must not run another attempt; None when it can."""
