"""The client: each method sends one request of the API, or does one operation of several."""

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from os import PathLike
from types import TracebackType
from typing import IO, Any, Self, TypeVar, Unpack

from offload.client import api
from offload.client._async import downloads
from offload.client._async.changes import all_changes
from offload.client._async.following import batch_subject, follow, job_subject, wait
from offload.client._async.pages import paginate
from offload.client._async.transport import AsyncTransport
from offload.client.address import address
from offload.client.filters import Filters, filter_query
from offload.client.records import Batch, Change, Job, Member, MemberResult, Stats, Task, Upload
from offload.client.request import Request
from offload.client.retries import RetryPolicy
from offload.client.uploads import OnProgress, upload_request
from offload.options import SubmitOptions

T = TypeVar("T")


class AsyncClient:
    """Calls a service. `Client` is for threads, `AsyncClient` for asyncio; both run any number of calls at a time.

    `url` is by default `OFFLOAD_URL` or http://127.0.0.1:8000, `api_key` is by default `OFFLOAD_API_KEY` or no key.
    `timeout_s` is how long each part of a response may take, besides the time that the service is asked to wait.

    A request that fails because the connection or the service is gone is sent again for `patience_s` where that is
    safe, and where the service has no room, for `room_s`. A service that has never responded is tried for one second.

    Raises ValueError where `url` is not an address. Each call may raise `RefusedError` and `UnreachableError`.
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
        policy = RetryPolicy(patience_s=patience_s, room_s=room_s)
        self._transport = AsyncTransport(address(url, api_key), timeout_s=timeout_s, policy=policy)

    @property
    def url(self) -> str:
        """The address of the service, without a password."""
        return self._transport.url

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections. Submitted jobs continue."""
        await self._transport.close()

    async def perform(self, request: Request[T]) -> T:
        """Send a request of `offload.client.api`, with all retries, and return the value of its response."""
        return await self._transport.send(request)

    # Jobs

    async def submit(
        self,
        task: str,
        params: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
        wait_s: float = 0,
        **options: Unpack[SubmitOptions],
    ) -> Job:
        """Submit a job and return it: accepted, or ended if it ends within `wait_s` (at most 60).

        The submission has an idempotency key, a new one by default, so retries never make a second job. The options
        are `priority`, `timeout_s` (how long an attempt may run), `max_attempts`, `memory_mb` and `labels`. An option
        that is missing or None has the service's default.
        """
        request = api.submit(task, params or {}, options, idempotency_key=idempotency_key, wait_s=wait_s)
        return await self.perform(request)

    async def job(self, job_id: str) -> Job:
        """Return the job as it is now."""
        return await self.perform(api.job(job_id))

    async def wait(
        self, job_id: str, *, timeout_s: float | None = None, on_change: Callable[[Job], object] | None = None
    ) -> Job:
        """Return the job once it has succeeded, failed or been cancelled, also across restarts of the service.

        `on_change` is called with the job now and after each change. Raises `TimeoutError` after `timeout_s`, and the
        job continues.
        """
        return await wait(self._transport, job_subject(job_id), timeout_s=timeout_s, on_change=on_change)

    def changes(self, job_id: str) -> AsyncGenerator[Job]:
        """Yield the job now and after each change; the last time when it has ended."""
        return follow(self._transport, job_subject(job_id))

    def jobs(self, *, limit: int | None = None, **filters: Unpack[Filters]) -> AsyncGenerator[Job]:
        """Yield jobs, newest first, at most `limit`.

        The filters are `states`, `task`, `label`, `batch`, `created_after` and `created_before`. A filter that is
        missing or None does not filter.
        """
        query = filter_query(**filters)
        return paginate(self._transport, lambda size, cursor: api.jobs(query, limit=size, cursor=cursor), limit)

    async def result(self, job_id: str) -> Any:
        """Return the whole result of a job that has succeeded, of any size.

        Raises `JobFailedError`, `JobCancelledError`, and `RefusedError` for a job that has not ended: `wait` first.
        """
        return await downloads.result(self._transport, job_id)

    async def download(self, job_id: str, file: IO[bytes]) -> int:
        """Write the result's JSON to a file and return its size in bytes. Raises what `result` raises."""
        return await downloads.download(self._transport, job_id, file)

    async def logs(self, job_id: str, *, attempt: int | None = None) -> str:
        """Return the newest lines that the job, or one attempt of it, has printed and logged so far."""
        return await self.perform(api.logs(job_id, attempt))

    async def cancel(self, job_id: str) -> Job:
        """Cancel a job and return it. Its process is gone. Raises `RefusedError` if it has succeeded or failed."""
        return await self.perform(api.cancel(job_id))

    async def delete(self, job_id: str) -> None:
        """Delete a job that has ended."""
        await self.perform(api.delete(job_id))

    # Batches

    async def submit_batch(
        self,
        members: Iterable[Member | Mapping[str, Any]],
        labels: Sequence[str] = (),
        *,
        idempotency_key: str | None = None,
        wait_s: float = 0,
    ) -> Batch:
        """Submit up to 10,000 jobs, all or none, and return the accepted batch.

        A member is a mapping such as `{"task": "fibonacci", "params": {"n": 30}}`; it may have the options of `submit`.
        """
        request = api.submit_batch(members, labels, idempotency_key=idempotency_key, wait_s=wait_s)
        return await self.perform(request)

    async def batch(self, batch_id: str) -> Batch:
        """Return the batch as it is now."""
        return await self.perform(api.batch(batch_id))

    def batches(self, *, limit: int | None = None) -> AsyncGenerator[Batch]:
        """Yield batches, newest first, at most `limit`."""
        return paginate(self._transport, lambda size, cursor: api.batches(limit=size, cursor=cursor), limit)

    async def wait_batch(
        self, batch_id: str, *, timeout_s: float | None = None, on_change: Callable[[Batch], object] | None = None
    ) -> Batch:
        """Return the batch once no job of it is queued or running. In all else like `wait`."""
        return await wait(self._transport, batch_subject(batch_id), timeout_s=timeout_s, on_change=on_change)

    def batch_changes(self, batch_id: str) -> AsyncGenerator[Batch]:
        """Yield the batch now and after each change; the last time when it is done."""
        return follow(self._transport, batch_subject(batch_id))

    def batch_results(self, batch_id: str) -> AsyncGenerator[MemberResult]:
        """Yield the state and the whole result of each job so far, in the order of submission."""
        return downloads.batch_results(self._transport, batch_id)

    async def cancel_batch(self, batch_id: str) -> Batch:
        """Cancel all jobs of a batch that are queued or running, and return the batch."""
        return await self.perform(api.cancel_batch(batch_id))

    async def delete_batch(self, batch_id: str) -> None:
        """Delete a batch that is done, with all its jobs."""
        await self.perform(api.delete_batch(batch_id))

    # Files and their digests

    async def upload(
        self,
        source: str | PathLike[str] | IO[bytes],
        name: str | None = None,
        *,
        on_progress: OnProgress | None = None,
    ) -> Upload:
        """Upload a file, given by its path or open for reading, without holding it in memory.

        `on_progress` is called with the bytes sent and the total (None where it is not known). If the connection
        breaks, a path is sent again; an open file can't be. Raises OSError where the file can't be read.
        """
        return await self.perform(upload_request(source, name, on_progress))

    async def delete_upload(self, upload_id: str) -> None:
        """Delete an upload."""
        await self.perform(api.delete_upload(upload_id))

    async def submit_files(
        self,
        pattern: str,
        algorithms: Sequence[str] = ("sha256",),
        *,
        idempotency_key: str | None = None,
        **options: Unpack[SubmitOptions],
    ) -> Batch:
        """Submit a job for each file below the service's files directory that matches, and return the batch.

        The options are those of `submit`.
        """
        request = api.submit_files(pattern, algorithms, options, idempotency_key=idempotency_key)
        return await self.perform(request)

    async def verify(
        self,
        manifest: str | bytes,
        algorithm: str | None = None,
        *,
        idempotency_key: str | None = None,
        **options: Unpack[SubmitOptions],
    ) -> Batch:
        """Submit a job for each line of a manifest of `sha256sum` or a compatible tool, and return the batch.

        `algorithm` is for lines that don't name theirs, by default the usual one for the number of digits. The options
        are those of `submit`.
        """
        request = api.verify(manifest, algorithm, options, idempotency_key=idempotency_key)
        return await self.perform(request)

    async def manifest(self, batch_id: str, algorithm: str = "sha256", *, bsd: bool = False, zero: bool = False) -> str:
        """Return the digests of a batch of files as `sha256sum` writes them; `bsd` is its `--tag`, `zero` its `--zero`.

        Names that are not UTF-8 are restored by `encode("utf-8", "surrogateescape")`.
        """
        return await self.perform(api.manifest(batch_id, algorithm, bsd=bsd, zero=zero))

    async def report(self, batch_id: str) -> str:
        """Return the outcome for each line of a manifest, as `sha256sum -c` prints it. Names are as in `manifest`."""
        return await self.perform(api.report(batch_id))

    # The service

    async def tasks(self) -> list[Task]:
        """Return the tasks that the service can run."""
        response = await self.perform(api.tasks())
        return list(response.tasks)

    async def task(self, name: str) -> Task:
        """Return a task, with the schemas of its parameters and of its result."""
        return await self.perform(api.task(name))

    async def stats(self) -> Stats:
        """Return what the lanes do, how many jobs wait, and how long tasks take."""
        return await self.perform(api.stats())

    def changes_of_all(self) -> AsyncGenerator[Change]:
        """Yield every change of every job that the key may see, from now on, without end.

        The first is `LoadAgain`: load the jobs then, and no later change is missed. It is yielded again whenever
        changes may have been missed. The others are `JobChanged` and `JobDeleted`.
        """
        return all_changes(self._transport)
