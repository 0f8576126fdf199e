"""What a client asks for, and the terms under which the server accepts it."""

from dataclasses import dataclass, field

from pydantic import BaseModel

from offload.errors import InvalidParametersError
from offload.jobs.interfaces import TaskLike
from offload.options import SubmitOptions

DEFAULT_MAX_ATTEMPTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    """What the server allows: times in seconds, memory in MiB."""

    default_timeout_s: float
    max_timeout_s: float
    memory_mb: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A request to run a task."""

    task: TaskLike
    params: bytes
    """The parameters as they were sent, as compact JSON. The job stores, shows and runs these."""
    values: BaseModel
    """What the task reads from them, for its cost and for what they name. It is not kept."""
    options: SubmitOptions = field(default_factory=SubmitOptions)
    owner: str | None = None
    key: str | None = None
    """The client's `Idempotency-Key`."""
    content: bytes = b""
    """A digest of content that came with the request and is not in the parameters: an uploaded file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a job is accepted for."""

    timeout_s: float
    memory_mb: int
    max_attempts: int
    cost: float
    """The estimated CPU seconds, by the task's cost function; 0.0 if unknown."""


def check_options(options: SubmitOptions, limits: ServerLimits) -> None:
    """Raise `InvalidParametersError` for an option over the server's limit. It names the query parameter."""
    errors: list[dict[str, object]] = []
    for name, wanted, limit in (
        ("timeout_s", options.get("timeout_s"), limits.max_timeout_s),
        ("memory_mb", options.get("memory_mb"), limits.memory_mb),
    ):
        if wanted is not None and wanted > limit:
            errors.append({"loc": ["query", name], "msg": f"may be at most {limit:g} on this server"})
    if errors:
        raise InvalidParametersError("An option is over this server's limit.", errors=errors)


def terms(submission: Submission, limits: ServerLimits) -> Terms:
    """Return the terms of a submission.

    Raises `InvalidParametersError` for an option over the server's limit, and `TooExpensiveError`.
    """
    task, options = submission.task, submission.options
    check_options(options, limits)
    return Terms(
        timeout_s=options.get("timeout_s") or task.limits.timeout_s or limits.default_timeout_s,
        memory_mb=options.get("memory_mb") or task.limits.memory_mb or limits.memory_mb,
        max_attempts=options.get("max_attempts") or task.limits.max_attempts or DEFAULT_MAX_ATTEMPTS,
        cost=task.cost(submission.values),
    )
