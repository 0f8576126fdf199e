"""`RemoteExecutor`: the face of `concurrent.futures`, with the processes of a service behind it."""

import secrets
import threading
import time
import weakref
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any, Unpack

from offload.client.async_client import AsyncClient
from offload.client.background import Background
from offload.client.binding import TaskLike, bind
from offload.client.calls import GivenOptions, Options, to_json
from offload.client.courier import Courier
from offload.client.futures import Lot, RemoteFuture

MOST_MEMBERS = 10_000
MOST_BYTES = 8 << 20
"""Of the parameters of one batch; the service takes 16 MiB of JSON with all that is around them."""


class RemoteExecutor(Executor):
    """Submits to a service what would be submitted to a `ProcessPoolExecutor`, from any thread.

    A function stands for the task of its name, and is not sent: the service must have the task. What comes back is its
    result as plain data. `url` and `api_key` are as for `Client`; the options are those of `Client.submit`, for every
    job. Where the service has no room, jobs wait here for it. Each has a label that names this executor, `label`.

    Leaving the `with` block, and `shutdown()`, wait for all futures. A program that just ends does not: what it has
    submitted goes on in the service.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        patience_s: float = 60.0,
        **options: Unpack[GivenOptions],
    ) -> None:
        self.label = f"executor-{secrets.token_hex(4)}"
        """Finds its jobs: `GET /jobs?label=…`."""
        options["labels"] = (*options.get("labels", ()), self.label)
        of_each = Options(**options)
        offload = AsyncClient(url, api_key, patience_s=patience_s, room_s=float("inf"))
        self._background = Background(Courier(offload, self.label, of_each))
        self._lock = threading.Lock()
        self._shut = False
        self._futures: weakref.WeakSet[RemoteFuture] = weakref.WeakSet()
        weakref.finalize(self, self._background.finish).atexit = False

    def submit(self, task: TaskLike, /, *args: Any, **kwargs: Any) -> RemoteFuture:
        """The future of a job. Returns at once: what the service says to it is the future's to tell.

        Raises TypeError where arguments and function don't fit, and RuntimeError after `shutdown`.
        """
        wanted = bind(task, args, kwargs)
        return self._post([wanted], batch=False).futures[0]

    def map(
        self, task: TaskLike, /, *iterables: Iterable[Any], timeout: float | None = None, chunksize: int = 1
    ) -> Iterator[Any]:
        """The results of many jobs, in order, each as soon as it is there; a failure is raised at its place.

        With a task's name, the items of the one iterable are mappings of parameters. Jobs are sent at once, as batches
        of up to 10,000, each accepted as a whole or not at all. Dropping the iterator cancels what has not ended.
        `timeout` counts from the call and raises TimeoutError. Each item is a job of its own, so `chunksize` changes
        nothing.
        """
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        end = None if timeout is None else time.monotonic() + timeout
        wanted = [_wanted(task, items) for items in zip(*iterables, strict=False)]
        lots = [self._post(some, batch=True) for some in _batches(wanted)]
        results = self._results(lots, end)
        next(results)  # begun: so that it cancels when it is dropped, whether or not a result was ever asked for
        return results

    def _results(self, lots: Sequence[Lot], end: float | None) -> Generator[Any, None, None]:
        futures = [future for lot in lots for future in lot.futures][::-1]
        try:
            yield
            while futures:
                yield futures.pop().result(None if end is None else max(0.0, end - time.monotonic()))
        finally:
            for lot in lots:
                self._drop(lot)

    def _drop(self, lot: Lot) -> None:
        """Cancels what of a batch has not ended."""
        open_ = [future for future in lot.futures if not future.done()]
        for future in open_:
            future.cancel_quietly()
        if open_:
            self._background.call(self._background.courier.stop_lot, lot)

    def _post(self, wanted: Sequence[tuple[str, Mapping[str, Any]]], *, batch: bool) -> Lot:
        courier = self._background.courier
        stop = partial(self._background.call, courier.stop)  # must not keep the executor alive
        lot = Lot(futures=[RemoteFuture(stop) for _ in wanted], wanted=wanted, batch=batch)
        with self._lock:
            if self._shut:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._background.post(lot)
            self._futures.update(lot.futures)
        return lot

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # as its kin
        """Takes nothing more. With `wait`, returns when every future has come to its end.

        `cancel_futures` cancels those that are not running.
        """
        with self._lock:
            self._shut = True
        if cancel_futures:
            for future in list(self._futures):
                if not future.running():
                    future.cancel()
        self._background.finish()
        if wait:
            self._background.join()


def _wanted(task: TaskLike, items: tuple[Any, ...]) -> tuple[str, Mapping[str, Any]]:
    if not isinstance(task, str):
        return bind(task, items, {})
    if len(items) != 1 or not isinstance(items[0], Mapping):
        raise TypeError(f"With the name of a task, {task!r}, each item is a mapping of its parameters.")
    return bind(task, (), items[0])


def _batches(wanted: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[Sequence[tuple[str, Mapping[str, Any]]]]:
    """In the order given, each small enough for one call."""
    some: list[tuple[str, Mapping[str, Any]]] = []
    size = 0
    for each in wanted:
        more = len(to_json(each[1]))
        if some and (len(some) == MOST_MEMBERS or size + more > MOST_BYTES):
            yield some
            some, size = [], 0
        some.append(each)
        size += more
    if some:
        yield some
