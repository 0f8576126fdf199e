"""Both clients behind one interface, so that one suite of tests holds both: an `AsyncClient` used like a `Client`."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar, cast

from offload.client import AsyncClient, Client

T = TypeVar("T")

CLIENTS = ("threads", "asyncio")


class Connect(Protocol):
    """Makes clients of one kind, with the arguments of `Client`."""

    def __call__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        timeout_s: float = 30.0,
        patience_s: float = 60.0,
        room_s: float = 60.0,
    ) -> Client: ...


@contextmanager
def connect_with(kind: str) -> Generator[Connect, None, None]:
    """Yield what makes clients for threads or for asyncio."""
    if kind == "threads":
        yield Client
        return
    with _LoopThread() as loop:
        yield lambda url=None, api_key=None, **options: cast(  # it has the methods of a `Client`, by `__getattr__`
            "Client", _Blocking(AsyncClient(url, api_key, **options), loop)
        )


class _LoopThread:
    """An event loop in a thread, for any number of threads."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.run(self._loop.shutdown_asyncgens())
        self.run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Return the result of the coroutine."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()


class _Blocking:
    """An `AsyncClient` whose methods block."""

    def __init__(self, client: AsyncClient, loop: _LoopThread) -> None:
        self._client = client
        self._loop = loop

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._loop.run(self._client.close())

    def __getattr__(self, name: str) -> Any:  # Any: whatever the client has
        attribute = getattr(self._client, name)
        return self._blocking(attribute) if callable(attribute) else attribute

    def _blocking(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            returned = method(*args, **kwargs)
            return self._iterate(returned) if isinstance(returned, AsyncGenerator) else self._loop.run(returned)

        return call

    def _iterate(self, items: AsyncGenerator[Any, None]) -> Iterator[Any]:
        end = object()

        async def following() -> Any:
            return await anext(items, end)

        try:
            while (item := self._loop.run(following())) is not end:
                yield item
        finally:
            self._loop.run(items.aclose())
