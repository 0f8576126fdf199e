"""`RemoteExecutor`: the interface of `concurrent.futures`, with the processes of a service behind it."""

import secrets
import threading
import time
import weakref
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any, Unpack

from offload.client._async.client import AsyncClient
from offload.client.executor.arguments import TaskLike, bind
from offload.client.executor.background import BackgroundThread
from offload.client.executor.futures import RemoteFuture, Submission, WorkItem
from offload.client.executor.manager import Manager
from offload.client.request import to_json
from offload.options import SubmitOptions, check_names

MOST_MEMBERS = 10_000
MOST_BYTES = 8 << 20
"""Of the parameters of one batch. The service takes 16 MiB of JSON, with all that is around them."""


class RemoteExecutor(Executor):
    """Submits to a service what would be submitted to a `ProcessPoolExecutor`, from any thread.

    A function stands for the task of its name and is not sent: the service must have the task. Results are plain data.
    `url`, `api_key` and `patience_s` are those of `Client`; the options are those of `Client.submit`, for every job.
    Where the service has no room, jobs wait here. Each job has the label `label`, which names this executor.

    Leaving the `with` block and `shutdown()` wait for all futures. A program that just ends does not wait: what it has
    submitted continues in the service.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        patience_s: float = 60.0,
        **options: Unpack[SubmitOptions],
    ) -> None:
        self.label = f"executor-{secrets.token_hex(4)}"
        """Finds its jobs: `GET /jobs?label=…`."""
        check_names(options)
        options["labels"] = (*options.get("labels", ()), self.label)
        client = AsyncClient(url, api_key, patience_s=patience_s, room_s=float("inf"))
        self._thread = BackgroundThread(Manager(client, self.label, options))
        self._lock = threading.Lock()
        self._shut_down = False
        self._futures: weakref.WeakSet[RemoteFuture] = weakref.WeakSet()
        weakref.finalize(self, self._thread.close).atexit = False

    def submit(self, task: TaskLike, /, *args: Any, **kwargs: Any) -> RemoteFuture:
        """Submit a job and return its future without waiting. An error of the service is the future's exception.

        Raises TypeError where the arguments don't fit the function, and RuntimeError after `shutdown`.
        """
        submission = self._submit([bind(task, args, kwargs)], is_batch=False)
        return submission.items[0].future

    def map(
        self, task: TaskLike, /, *iterables: Iterable[Any], timeout: float | None = None, chunksize: int = 1
    ) -> Iterator[Any]:
        """Return an iterator over the results of many jobs, in order, each as soon as it is there.

        A failure is raised at its place. For the name of a task, the items of the one iterable are mappings of
        parameters. Jobs are sent immediately, as batches of up to 10,000, each accepted as a whole or not at all.
        Dropping the iterator cancels the jobs that have not ended. `timeout` counts from the call and raises
        TimeoutError. Each item is a job of its own, so `chunksize` has no effect.
        """
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        deadline = None if timeout is None else time.monotonic() + timeout
        calls = [_bind_item(task, item) for item in zip(*iterables, strict=False)]
        submissions = [self._submit(batch, is_batch=True) for batch in _batches(calls)]
        results = self._results(submissions, deadline)
        next(results)  # started, so that dropping it cancels the jobs even if no result was ever asked for
        return results

    def _results(self, submissions: Sequence[Submission], deadline: float | None) -> Generator[Any, None, None]:
        futures = [future for submission in submissions for future in submission.futures][::-1]
        try:
            yield
            while futures:
                yield futures.pop().result(None if deadline is None else max(0.0, deadline - time.monotonic()))
        finally:
            for submission in submissions:
                self._cancel_rest(submission)

    def _cancel_rest(self, submission: Submission) -> None:
        """Cancel what has not ended of a batch."""
        pending = [future for future in submission.futures if not future.done()]
        for future in pending:
            future.mark_cancelled()
        if pending:
            self._thread.cancel_batch(submission)

    def _submit(self, calls: Sequence[tuple[str, Mapping[str, Any]]], *, is_batch: bool) -> Submission:
        on_cancel = self._thread.cancel  # not a method of the executor, which pending futures must not keep alive
        items = [WorkItem(future=RemoteFuture(on_cancel), task=task, params=params) for task, params in calls]
        submission = Submission(items=items, is_batch=is_batch)
        with self._lock:
            if self._shut_down:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._thread.submit(submission)
            self._futures.update(submission.futures)
        return submission

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # as in the base class
        """Take no more work. With `wait`, return when every future has ended.

        `cancel_futures` cancels those that are not running.
        """
        with self._lock:
            self._shut_down = True
        if cancel_futures:
            for future in list(self._futures):
                if not future.running():
                    future.cancel()
        self._thread.close()
        if wait:
            self._thread.join()


def _bind_item(task: TaskLike, item: tuple[Any, ...]) -> tuple[str, Mapping[str, Any]]:
    if not isinstance(task, str):
        return bind(task, item, {})
    if len(item) != 1 or not isinstance(item[0], Mapping):
        raise TypeError(f"With the name of a task, {task!r}, each item is a mapping of its parameters.")
    return bind(task, (), item[0])


def _batches(calls: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[Sequence[tuple[str, Mapping[str, Any]]]]:
    """Yield the calls in their order, as many at a time as one batch takes."""
    batch: list[tuple[str, Mapping[str, Any]]] = []
    size = 0
    for call in calls:
        bytes_ = len(to_json(call[1]))
        if batch and (len(batch) == MOST_MEMBERS or size + bytes_ > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(call)
        size += bytes_
    if batch:
        yield batch
