"""The client for threads: each method is one call or operation, performed in the caller's thread.

`offload.client.async_client` has the same methods; `tests/client/test_both.py` holds them together.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from os import PathLike
from types import TracebackType
from typing import IO, Any, Self, TypeVar, Unpack

import httpx

from offload.client import all_changes, calls, lists, results, sending
from offload.client.address import address
from offload.client.asking import ask
from offload.client.call import Call
from offload.client.calls import GivenOptions
from offload.client.following import batch_subject, follow, job_subject
from offload.client.lists import Filters
from offload.client.patience import Service
from offload.client.performing import Run, Told
from offload.client.records import Batch, Change, Job, Member, MemberResult, Stats, Task, Upload
from offload.client.steps import Steps
from offload.client.uploads import OnProgress, upload

T = TypeVar("T")


class Client:
    """A service to be called, from any thread.

    `url` is by default what OFFLOAD_URL says, or http://127.0.0.1:8000; `api_key` what OFFLOAD_API_KEY says, or none.
    `timeout_s` is how long an answer may take, besides what the service was asked to wait. A call that fails because
    the connection or the service went away is tried again for `patience_s`, where that is safe, and it nearly always
    is; where the service has no room, for `room_s`. A service that has never answered is given a second only.

    Raises ValueError where `url` is no address. Each call may raise `RefusedError` and `UnreachableError`.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        timeout_s: float = 30.0,
        patience_s: float = 60.0,
        room_s: float = 60.0,
    ) -> None:
        where = address(url, api_key)
        self._service = Service(url=where.shown, timeout_s=timeout_s, patience_s=patience_s, room_s=room_s)
        self._http = httpx.Client(**sending.options(where, timeout_s))

    @property
    def url(self) -> str:
        """Where the service is."""
        return self._service.url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections. What was submitted goes on."""
        self._http.close()

    def perform(self, call: Call[T]) -> T:
        """One call of `offload.client.calls`, with all of its retries."""
        return self._run(ask(self._service, call))

    def _run(self, steps: Steps[T], told: Callable[[Any], object] | None = None) -> T:
        run = Run(self._http, steps, self._service.timeout_s)
        try:
            while isinstance(step := run.on(), Told):
                if told is not None:
                    told(step.value)
            return step.value
        finally:
            run.close()

    def _iterate(self, steps: Steps[Any]) -> Generator[Any, None, None]:
        run = Run(self._http, steps, self._service.timeout_s)
        try:
            while isinstance(step := run.on(), Told):
                yield step.value
        finally:
            run.close()

    def submit(
        self,
        task: str,
        params: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
        wait_s: float = 0,
        **options: Unpack[GivenOptions],
    ) -> Job:
        """The accepted job; where it has ended within `wait_s` (at most 60), the ended one.

        However often this is tried, it is one job: each call has an idempotency key, its own unless one is given.
        The options are `priority`, `timeout_s` (how long an attempt may run), `max_attempts`, `memory_mb` and `labels`;
        what is left out or None is as the service has it.
        """
        call = calls.submit(
            task, params or {}, calls.Options(**options), idempotency_key=idempotency_key, wait_s=wait_s
        )
        return self.perform(call)

    def job(self, job_id: str) -> Job:
        """The job as it is now."""
        return self.perform(calls.job(job_id))

    def wait(
        self, job_id: str, *, timeout_s: float | None = None, on_change: Callable[[Job], object] | None = None
    ) -> Job:
        """The job once it has ended, however it did.

        `on_change` is called with the job at once and at each change. Raises `TimeoutError` after `timeout_s`; the job
        goes on then. Survives restarts of the service.
        """
        steps = follow(self._service, job_subject(job_id), timeout_s=timeout_s, closely=on_change is not None)
        return self._run(steps, on_change)

    def changes(self, job_id: str) -> Generator[Job, None, None]:
        """The job at once and at each change; the last time when it has ended."""
        return self._iterate(follow(self._service, job_subject(job_id)))

    def jobs(self, *, limit: int | None = None, **filters: Unpack[Filters]) -> Generator[Job, None, None]:
        """Jobs, newest first, as many as there are or `limit`.

        Filters are `states`, `task`, `label`, `batch`, `created_after` and `created_before`. One that is left out or is
        None does not filter.
        """
        return self._iterate(lists.jobs(self._service, lists.where(**filters), limit))

    def result(self, job_id: str) -> Any:
        """The whole result of a job that has succeeded, of whatever size.

        Raises `JobFailedError`, `JobCancelledError`, and `RefusedError` for one that has not ended: `wait` first.
        """
        return self._run(results.result(self._service, job_id))

    def download(self, job_id: str, file: IO[bytes]) -> int:
        """Writes the result's JSON to a file, and answers how many bytes. Raises what `result` does."""
        return self._run(results.download(self._service, job_id, file))

    def logs(self, job_id: str, *, attempt: int | None = None) -> str:
        """The newest of what the job, or one attempt of it, has printed and logged so far, line by line."""
        return self.perform(calls.logs(job_id, attempt))

    def cancel(self, job_id: str) -> Job:
        """The job, now cancelled and its process gone. Raises `RefusedError` where it has succeeded or failed."""
        return self.perform(calls.cancel(job_id))

    def delete(self, job_id: str) -> None:
        """Forgets a job that has ended."""
        self.perform(calls.delete(job_id))

    def tasks(self) -> list[Task]:
        """Every task that the service can run."""
        return list((self.perform(calls.tasks())).tasks)

    def task(self, name: str) -> Task:
        """One task, with the schemas of what goes in and what comes out."""
        return self.perform(calls.task(name))

    def upload(
        self,
        source: str | PathLike[str] | IO[bytes],
        name: str | None = None,
        *,
        on_progress: OnProgress | None = None,
    ) -> Upload:
        """Sends a file, by its path or open for reading, without holding it in memory.

        `on_progress` is called with the bytes sent and those there are in all (None where that is not known). A path is
        sent again where the connection breaks; an open file can't be. Raises OSError where it can't be read.
        """
        return self.perform(upload(source, name, on_progress))

    def delete_upload(self, upload_id: str) -> None:
        """Forgets an upload."""
        self.perform(calls.delete_upload(upload_id))

    def submit_batch(
        self,
        members: Iterable[Member | Mapping[str, Any]],
        labels: Sequence[str] = (),
        *,
        idempotency_key: str | None = None,
        wait_s: float = 0,
    ) -> Batch:
        """The accepted batch of up to 10,000 jobs, all or none.

        A member is a mapping such as `{"task": "fibonacci", "params": {"n": 30}}`; it may have the options of `submit`.
        """
        call = calls.submit_batch(members, labels, idempotency_key=idempotency_key, wait_s=wait_s)
        return self.perform(call)

    def batch(self, batch_id: str) -> Batch:
        """The batch as it is now."""
        return self.perform(calls.batch(batch_id))

    def batches(self, *, limit: int | None = None) -> Generator[Batch, None, None]:
        """Batches, newest first, as many as there are or `limit`."""
        return self._iterate(lists.batches(self._service, limit))

    def wait_batch(
        self, batch_id: str, *, timeout_s: float | None = None, on_change: Callable[[Batch], object] | None = None
    ) -> Batch:
        """The batch once no job of it is queued or running. As `wait` in all else."""
        steps = follow(self._service, batch_subject(batch_id), timeout_s=timeout_s, closely=on_change is not None)
        return self._run(steps, on_change)

    def batch_changes(self, batch_id: str) -> Generator[Batch, None, None]:
        """The batch at once and at each change; the last time when it is done."""
        return self._iterate(follow(self._service, batch_subject(batch_id)))

    def batch_results(self, batch_id: str) -> Generator[MemberResult, None, None]:
        """What became of each job so far, in the order of submission, each with its whole result."""
        return self._iterate(results.batch_results(self._service, batch_id))

    def cancel_batch(self, batch_id: str) -> Batch:
        """The batch, of which no job is queued or running any more."""
        return self.perform(calls.cancel_batch(batch_id))

    def delete_batch(self, batch_id: str) -> None:
        """Forgets a batch that is done, with all of its jobs."""
        self.perform(calls.delete_batch(batch_id))

    def submit_files(
        self,
        pattern: str,
        algorithms: Sequence[str] = ("sha256",),
        *,
        idempotency_key: str | None = None,
        **options: Unpack[GivenOptions],
    ) -> Batch:
        """The accepted batch of a job for each file below the service's files directory that matches.

        Options as in `submit`.
        """
        call = calls.submit_files(pattern, algorithms, calls.Options(**options), idempotency_key=idempotency_key)
        return self.perform(call)

    def verify(
        self,
        manifest: str | bytes,
        algorithm: str | None = None,
        *,
        idempotency_key: str | None = None,
        **options: Unpack[GivenOptions],
    ) -> Batch:
        """The accepted batch of a job for each line of a manifest, as `sha256sum` and its kin write it.

        `algorithm` is of lines that don't say theirs; None: the usual one for so many digits. Options as in `submit`.
        """
        call = calls.verify(manifest, algorithm, calls.Options(**options), idempotency_key=idempotency_key)
        return self.perform(call)

    def manifest(self, batch_id: str, algorithm: str = "sha256", *, bsd: bool = False, zero: bool = False) -> str:
        """The digests of a batch of files, as `sha256sum` writes them, or `sha256sum --tag`, or `--zero`.

        Names that are not UTF-8 come back as their bytes by `encode("utf-8", "surrogateescape")`.
        """
        return self.perform(calls.manifest(batch_id, algorithm, bsd=bsd, zero=zero))

    def report(self, batch_id: str) -> str:
        """What became of each line of a manifest, as `sha256sum -c` tells it. Names as in `manifest`."""
        return self.perform(calls.report(batch_id))

    def stats(self) -> Stats:
        """What the lanes are doing, what waits, and how long tasks take."""
        return self.perform(calls.stats())

    def changes_of_all(self) -> Generator[Change, None, None]:
        """Every change of every job that the key may see, from now on, without end.

        The first is `LoadAgain`: from then on nothing is missed, so load what there is at that moment. It comes again
        where something may have been missed. `JobChanged` and `JobDeleted` are the others.
        """
        return self._iterate(all_changes.all_changes(self._service))
