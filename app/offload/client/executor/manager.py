"""What runs in the executor's thread: it sends work items, follows their jobs and ends their futures.

    submit, map ─► Submitter ─► the service ─► Watcher ─► RemoteJobs ─► PendingFutures ─► futures

One event loop runs all of it, so nothing is locked.
"""

import asyncio

from offload.client._async.client import AsyncClient
from offload.client.errors import OffloadError
from offload.client.executor.futures import RemoteFuture, Submission
from offload.client.executor.jobs import CONCURRENT_REQUESTS, RemoteJobs
from offload.client.executor.pending import PendingFutures
from offload.client.executor.submitter import Submitter
from offload.client.executor.watcher import Watcher
from offload.options import SubmitOptions


class Manager:
    """Runs the parts of an executor. Except for the constructor and `sent`, it is for its event loop only."""

    def __init__(self, client: AsyncClient, label: str, options: SubmitOptions) -> None:
        self._client = client
        self._tasks = asyncio.TaskGroup()
        self._pending = PendingFutures()
        self._jobs = RemoteJobs(client, label, self._pending, self._tasks)
        self._watcher = Watcher(client, self._pending, self._jobs, self._tasks)
        self._submitter = Submitter(client, options, self._pending, self._jobs, self._watcher)

    @property
    def sent(self) -> int:
        """How many submissions were sent, or have failed."""
        return self._submitter.sent

    async def run(self) -> None:
        """Work until `close` was called and every future has ended. Whatever happens, every future ends."""
        error: Exception = OffloadError("The executor has ended before the job.")
        try:
            async with self._client, self._tasks:
                running = [self._tasks.create_task(self._submitter.run()) for _ in range(CONCURRENT_REQUESTS)]
                running.append(self._tasks.create_task(self._watcher.run()))
                await self._pending.closed.wait()
                for task in running:
                    task.cancel()
        except Exception as failure:
            error = failure
            raise
        finally:
            self._pending.fail_all(error)

    def submit(self, submission: Submission) -> None:
        """Queue work items."""
        self._pending.add(submission.futures)
        self._submitter.put(submission)

    def cancel(self, future: RemoteFuture) -> None:
        """Cancel the job of a future that was cancelled."""
        self._jobs.cancel(future)

    def cancel_batch(self, submission: Submission) -> None:
        """Cancel a batch all of whose futures are cancelled or have ended."""
        self._jobs.cancel_batch(submission)

    def close(self) -> None:
        """Nothing more will be submitted: `run` returns when every future has ended."""
        self._pending.close()
