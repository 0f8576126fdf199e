"""What crosses the process line, all of it plain data: nothing is ever raised across.

front desk                          lane
    │──── enter(LaneSetup) ──────────►│   once
    │◄─── Entered ────────────────────│
    │──── execute() ─────────────────►│   for a spell of work
    │──── Call, … ── by `shared` ────►│   for each hand-over
    │◄─── Reply ── by `shared` ───────│   for each attempt
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from offload.tasks.context import Places
from offload.tasks.registry import RegistrySpec

INLINE_BYTES = 16 * 1024
"""A result up to this size is told in the outcome; a larger one stays in the attempt's result file."""

MESSAGE_BYTES = 15 * 1024
"""Parameters and results up to this size travel in the message, larger ones by file.

A call of up to 16 KiB fits into the empty pipe of 64 KiB, so the front desk never waits for the lane to take it. The
difference is room for the rest of the message.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneSetup:
    """What a lane must know to run attempts."""

    registry: RegistrySpec
    places: Places
    results_dir: Path
    """Where result files are made."""
    logs_dir: Path
    """Where what attempts say is kept."""
    run_dir: Path
    """Where parameters too large for a message are laid down; the front desk makes and removes the files."""
    board_address: str
    board_authkey: bytes
    result_max_bytes: int
    nice: int
    """How much nicer than the front desk the lanes are."""
    traced: bool = False
    """Whether what tasks trace is exported."""


class Entered(NamedTuple):
    """The answer to `enter`."""

    held_bytes: int
    """What the idle lane holds, see `limits.held_bytes`."""
    cpu_s: float
    """What the process has used of the CPU so far."""
    problem: str | None
    """Why this process can't serve as a lane, in a sentence."""


class Call(NamedTuple):
    """One attempt."""

    job_id: str
    attempt: int
    task: str
    params: bytes | None
    """None where they are in `params_file`."""
    params_file: str | None
    limit_bytes: int
    """How much the attempt's process may hold."""
    trace: str | None = None
    """Where in a trace it stands, as a W3C `traceparent`."""


class Fault(NamedTuple):
    """Why an attempt has no result. `kind` is a `FailureKind`."""

    kind: str
    detail: str
    exception: str | None = None
    traceback: str | None = None


class Spent(NamedTuple):
    """What an attempt used: seconds, seconds of CPU with its children's, bytes."""

    wall_s: float
    cpu_s: float
    peak_rss_bytes: int
    life_cpu_s: float
    """The same since the process began, so that one who looks from outside knows where the next attempt starts."""


class Reply(NamedTuple):
    """How an attempt ended, told by its own process. Without a fault there is a result."""

    spent: Spent
    fault: Fault | None
    result: bytes | None
    """None where it is in the attempt's result file."""
    result_bytes: int
    unfit: str | None
    """Why this process should not run another attempt."""
