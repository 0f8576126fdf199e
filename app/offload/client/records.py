"""What the service tells, as frozen records. Fields that a newer service adds are in `raw`, and otherwise ignored.

`tests/client/test_records.py` holds these to the service's OpenAPI document.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, Self, TypeAlias, TypedDict

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    PlainValidator,
    PrivateAttr,
    WithJsonSchema,
    model_validator,
)

State: TypeAlias = Literal["queued", "running", "succeeded", "failed", "cancelled"]
"""Where a job is in its life; the last three never change again."""


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("Input should be a string")  # noqa: TRY004  # pydantic reads a ValueError as the field's fault
    return value


Text = Annotated[str, PlainValidator(_text), WithJsonSchema({"type": "string"})]
"""Text that others have written. JSON may have lone surrogates in it, which pydantic's own strings refuse."""


class Record(BaseModel):
    """Something that the service has told."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    _raw: Mapping[str, Any] = PrivateAttr(default_factory=dict)

    @model_validator(mode="wrap")
    @classmethod
    def _keep(cls, told: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        record = handler(told)
        if isinstance(told, dict):
            record._raw = told  # noqa: SLF001  # its own
        return record

    @property
    def raw(self) -> Mapping[str, Any]:
        """The JSON object as it came, with whatever this client knows nothing of."""
        return self._raw

    def __eq__(self, other: object) -> bool:
        """Equal in all that this client knows of."""
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]  # some fields are JSON, which has no hash


class Progress(Record):
    """How far a running job has come, as its task tells; of a batch, how many of its jobs have ended."""

    done: int | None
    total: int | None
    fraction: float | None
    unit: Text | None
    note: Text | None


class Usage(Record):
    """What the newest attempt used, so far or in all."""

    wall_s: float
    cpu_s: float | None
    peak_rss_bytes: int | None


class JobError(Record):
    """Why a job failed."""

    type: str
    """`/problems/task-raised`, `/problems/timed-out`, …: the path of a page of the service that explains it."""
    title: str
    detail: Text
    attempt: int
    exception: Text | None = None
    traceback: Text | None = None
    exit_code: int | None = None
    signal: str | None = None

    @property
    def kind(self) -> str:
        """The last part of its type: `task-raised`."""
        return self.type.rpartition("/")[2]


class JobLinks(Record):
    """Paths of the service that have to do with a job."""

    self: str
    result: str
    events: str
    logs: str
    cancel: str


class Job(Record):
    """One request to run a task with certain parameters, as it was when the service told of it."""

    id: str
    task: str
    state: State
    params: Any
    priority: int
    labels: tuple[Text, ...]
    owner: Text | None
    batch_id: str | None
    attempt: int
    """Attempts started so far."""
    max_attempts: int
    timeout_s: float
    memory_mb: int
    position: int | None
    """About how many queued jobs go before it, while it is queued."""
    progress: Progress | None
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    result: Any
    """The task's result, where it has no more than 16 KiB of JSON; else None: see `result_is_here`."""
    result_bytes: int | None
    """The size of the whole result's JSON, once succeeded."""
    error: JobError | None
    usage: Usage | None
    links: JobLinks

    @property
    def ended(self) -> bool:
        """True once it has succeeded, failed or been cancelled: then it never changes again."""
        return self.state in ("succeeded", "failed", "cancelled")

    @property
    def result_is_here(self) -> bool:
        """True where `result` is all of it; False where it has none yet, or is to be fetched with `result(id)`."""
        return self.state == "succeeded" and (self.result is not None or self.result_bytes == len("null"))


class Counts(Record):
    """How many of a batch's jobs are in each state."""

    queued: int
    running: int
    succeeded: int
    failed: int
    cancelled: int


class BatchProgress(Record):
    """How many of a batch's jobs have ended, of how many; `fraction` includes how far the running ones are."""

    done: int
    total: int
    fraction: float


class BatchLinks(Record):
    """Paths of the service that have to do with a batch."""

    self: str
    jobs: str
    results: str
    events: str
    cancel: str
    manifest: str | None = None
    """Of a batch of files."""
    report: str | None = None
    """Of a verification."""


class Batch(Record):
    """Jobs accepted together, counted together, cancelled together."""

    id: str
    kind: str
    """What it was made from: `jobs`, `file-digest` (a pattern) or `verify` (a manifest)."""
    size: int
    counts: Counts
    done: bool
    """True once no job of it is queued or running: then it never changes again."""
    progress: BatchProgress
    labels: tuple[Text, ...]
    owner: Text | None
    created_at: AwareDatetime
    finished_at: AwareDatetime | None
    links: BatchLinks

    @property
    def ended(self) -> bool:
        """The same as `done`, by the name that a job has for it."""
        return self.done


class MemberResult(Record):
    """What became of one job of a batch."""

    index: int
    """Its place in the order of submission, from 0."""
    id: str
    task: str
    state: State
    result: Any
    """All of it, whatever its size; None where it has not succeeded."""
    result_bytes: int | None
    error: JobError | None


class Limits(Record):
    """The limits of a task's job, unless its submission says otherwise."""

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
    """Parameters that work, where some are known."""


class Upload(Record):
    """A file that the service has taken. `id` is what `file-digest` takes as its `upload`."""

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


class Waiting(Record):
    """Queued jobs of one owner at one priority."""

    owner: Text | None
    priority: int
    jobs: int


class Queue(Record):
    """What waits for a lane."""

    size: int
    limit: int
    waiting: tuple[Waiting, ...]


class TaskStats(Record):
    """A task since the start of the service; durations in seconds, over its newest jobs."""

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


class JobPage(Record):
    """A page of jobs, and the cursor of the next."""

    jobs: tuple[Job, ...]
    next: str | None


class BatchPage(Record):
    """A page of batches, and the cursor of the next."""

    batches: tuple[Batch, ...]
    next: str | None


class TaskList(Record):
    """All tasks."""

    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class JobChanged:
    """Of all jobs' changes: a job is now as `job` says."""

    job: Job


@dataclass(frozen=True, slots=True)
class JobDeleted:
    """Of all jobs' changes: there is no job of this id any more."""

    id: str


@dataclass(frozen=True, slots=True)
class LoadAgain:
    """Of all jobs' changes: what was before this moment was not told. Load what there is; changes follow."""


Change: TypeAlias = JobChanged | JobDeleted | LoadAgain


class Member(TypedDict):
    """A job of a batch to be submitted."""

    task: str
    params: Mapping[str, Any]
    priority: NotRequired[int]
    timeout_s: NotRequired[float]
    max_attempts: NotRequired[int]
    memory_mb: NotRequired[int]
    labels: NotRequired[list[str] | tuple[str, ...]]
