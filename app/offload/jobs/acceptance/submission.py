"""What is let in: options within the server's limits, and no more jobs than there is room for."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from pydantic import BaseModel

from offload.errors import InvalidParametersError, QueueFullError, QuotaExceededError
from offload.jobs.dispatch.live import LiveJobs
from offload.jobs.dispatch.queue import FairQueue
from offload.options import SubmitOptions
from offload.tasks.definition import Task

DEFAULT_MAX_ATTEMPTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    """What the server allows: times in seconds, memory in MiB."""

    default_timeout_s: float
    max_timeout_s: float
    memory_mb: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A request to run a task, with validated parameters."""

    task: Task
    params: BaseModel
    options: SubmitOptions = field(default_factory=SubmitOptions)
    owner: str | None = None
    key: str | None = None
    """The client's `Idempotency-Key`."""
    content: bytes = b""
    """A digest of content that came with the request but is not in the parameters: an uploaded file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The limits that a job is accepted under."""

    timeout_s: float
    memory_mb: int
    max_attempts: int


def terms(task: Task, options: SubmitOptions, limits: ServerLimits) -> Terms:
    """The limits of a job of this task. Raises `InvalidParametersError` where one is over the server's."""
    errors: list[dict[str, object]] = []
    for name, asked, most in (
        ("timeout_s", options.get("timeout_s"), limits.max_timeout_s),
        ("memory_mb", options.get("memory_mb"), limits.memory_mb),
    ):
        if asked is not None and asked > most:
            errors.append({"loc": ["query", name], "msg": f"may be at most {most:g} on this server"})
    if errors:
        raise InvalidParametersError("An option is over this server's limit.", errors=errors)
    return Terms(
        timeout_s=options.get("timeout_s") or task.limits.timeout_s or limits.default_timeout_s,
        memory_mb=options.get("memory_mb") or task.limits.memory_mb or limits.memory_mb,
        max_attempts=options.get("max_attempts") or task.limits.max_attempts or DEFAULT_MAX_ATTEMPTS,
    )


class Capacity:
    """Keeps the queue, and each owner's part of it, within limits; jobs whose acceptance is being written count.

    Live jobs' parameters are in memory, so what they take together has a limit as well.

    Nobody in particular, in a service without keys, is an owner like another.
    """

    def __init__(
        self, queue: FairQueue, live: LiveJobs, *, limit: int, owner_limit: int = 0, params_bytes: int = 256 << 20
    ) -> None:
        """`owner_limit` 0 is none."""
        self._queue = queue
        self._live = live
        self._limit = limit
        self._owner_limit = owner_limit
        self._params_limit = params_bytes
        self._promised: Counter[str | None] = Counter()
        self._promised_bytes = 0

    @contextmanager
    def reserve(self, owner: str | None, params: Sequence[bytes]) -> Iterator[None]:
        """Holds room for an owner's new jobs, with these parameters, until they stand in the queue.

        Raises `QuotaExceededError` or `QueueFullError` where there is not enough.
        """
        jobs, size = len(params), sum(map(len, params))
        if self._owner_limit and self._queue.count(owner) + self._promised[owner] + jobs > self._owner_limit:
            raise QuotaExceededError(
                f"The queue holds the limit of {self._owner_limit} jobs of one owner. Nothing was accepted.",
                retry_after=1,
            )
        if len(self._queue) + self._promised.total() + jobs > self._limit:
            raise QueueFullError(
                f"The queue holds its limit of {self._limit} jobs. Nothing was accepted.", retry_after=1
            )
        if self._live.params_bytes + self._promised_bytes + size > self._params_limit:
            raise QueueFullError(
                f"The parameters of queued jobs hold their limit of {self._params_limit >> 20} MiB. "
                "Nothing was accepted.",
                retry_after=1,
            )
        self._promised[owner] += jobs
        self._promised_bytes += size
        try:
            yield
        finally:
            self._promised[owner] -= jobs
            self._promised_bytes -= size
