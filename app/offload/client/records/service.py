"""The service itself: its tasks, its uploads and its statistics."""

from typing import Any

from offload.client.records.record import Record, Text


class Limits(Record):
    """The limits of a task's jobs where the submission has no others."""

    timeout_s: float
    memory_mb: int
    max_attempts: int


class Task(Record):
    """A function that the service can run."""

    name: str
    summary: Text
    description: Text
    params: dict[str, Any]
    """The JSON Schema of its parameters."""
    result: dict[str, Any]
    """The JSON Schema of its result."""
    limits: Limits
    example: dict[str, Any] | None
    """Valid parameters, if some are known."""


class Upload(Record):
    """A file that the service has stored. `file-digest` takes its `id` as `upload`."""

    id: str
    name: Text
    size: int


class Lane(Record):
    """One worker process of the service."""

    state: str
    """`idle`, `busy` or `opening`."""
    pid: int | None
    job: str | None
    busy_s: float | None
    problem: Text | None
    """While it is opening: why the last try failed."""


class Waiting(Record):
    """The queued jobs of one owner at one priority."""

    owner: Text | None
    priority: int
    jobs: int


class Queue(Record):
    """The jobs that wait for a lane."""

    size: int
    limit: int
    waiting: tuple[Waiting, ...]


class TaskStats(Record):
    """A task since the service started. Durations are in seconds, over its newest jobs."""

    succeeded: int
    failed: int
    cancelled: int
    per_s: float
    run_s_p50: float | None
    run_s_p95: float | None
    wait_s_p50: float | None


class Stats(Record):
    """What the service is doing."""

    lanes: tuple[Lane, ...]
    queue: Queue
    tasks: dict[str, TaskStats]


class TaskList(Record):
    """All tasks."""

    tasks: tuple[Task, ...]
