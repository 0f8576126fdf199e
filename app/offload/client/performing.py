"""Performs steps with httpx, in the thread that asks for it or on an event loop. Knows nothing of what they are for."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import httpx

from offload.client import sending
from offload.client.call import Answer
from offload.client.reading import is_readable
from offload.client.steps import Exchange, Head, LostError, Open, Pause, Read, Step, Steps, Tell

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Told:
    """The steps hand out a value."""

    value: Any


@dataclass(frozen=True, slots=True)
class Ended(Generic[T]):
    """The steps are over, with this."""

    value: T


class Run(Generic[T]):
    """Steps on their way, in a thread."""

    def __init__(self, http: httpx.Client, steps: Steps[T], timeout_s: float) -> None:
        self._http = http
        self._steps = steps
        self._timeout_s = timeout_s
        self._stream: httpx.Response | None = None
        self._portions: Iterator[bytes] = iter(())

    def on(self) -> Told | Ended[T]:
        """Goes on to the next value that is handed out, or to the end."""
        came: Any = None
        lost: LostError | None = None
        try:
            while True:
                try:
                    step = self._steps.send(came) if lost is None else self._steps.throw(lost)
                except StopIteration as end:
                    self.close()
                    return Ended(end.value)
                came, lost = None, None
                if isinstance(step, Tell):
                    return Told(step.value)
                try:
                    came = self._perform(step)
                except httpx.RequestError as error:
                    lost = sending.lost(error)
        except BaseException:
            self.close()
            raise

    def _perform(self, step: Step) -> object:
        match step:
            case Exchange(call, within_s):
                response = self._http.send(self._request(call, within_s), stream=True)
                with closing(response):
                    body = response.read() if is_readable(response.headers) else b""
                return Answer(status=response.status_code, headers=dict(response.headers), body=body)
            case Open(call, within_s):
                self._hang_up()
                self._stream = self._http.send(self._request(call, within_s), stream=True)
                self._portions = self._stream.iter_bytes()
                return Head(self._stream.status_code, dict(self._stream.headers))
            case Read():
                return next(self._portions, b"")
            case Pause(seconds):
                self._hang_up()
                time.sleep(seconds)
        return None

    def _request(self, call: Any, within_s: float | None) -> httpx.Request:
        within_s = self._timeout_s if within_s is None else within_s
        return sending.request(self._http, call, within_s, content=sending.content(call))

    def _hang_up(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def close(self) -> None:
        """Gives up what is left of the steps."""
        self._steps.close()
        self._hang_up()


async def _none() -> AsyncIterator[bytes]:
    """Of what was never opened."""
    return
    yield b""


class AsyncRun(Generic[T]):
    """Steps on their way, on an event loop."""

    def __init__(self, http: httpx.AsyncClient, steps: Steps[T], timeout_s: float) -> None:
        self._http = http
        self._steps = steps
        self._timeout_s = timeout_s
        self._stream: httpx.Response | None = None
        self._portions: AsyncIterator[bytes] = _none()

    async def on(self) -> Told | Ended[T]:
        """Goes on to the next value that is handed out, or to the end."""
        came: Any = None
        lost: LostError | None = None
        try:
            while True:
                try:
                    step = self._steps.send(came) if lost is None else self._steps.throw(lost)
                except StopIteration as end:
                    await self.close()
                    return Ended(end.value)
                came, lost = None, None
                if isinstance(step, Tell):
                    return Told(step.value)
                try:
                    came = await self._perform(step)
                except httpx.RequestError as error:
                    lost = sending.lost(error)
        except BaseException:
            await self.close()
            raise

    async def _perform(self, step: Step) -> object:
        match step:
            case Exchange(call, within_s):
                response = await self._http.send(self._request(call, within_s), stream=True)
                async with aclosing(response):
                    body = await response.aread() if is_readable(response.headers) else b""
                return Answer(status=response.status_code, headers=dict(response.headers), body=body)
            case Open(call, within_s):
                await self._hang_up()
                self._stream = await self._http.send(self._request(call, within_s), stream=True)
                self._portions = self._stream.aiter_bytes()
                return Head(self._stream.status_code, dict(self._stream.headers))
            case Read():
                return await anext(self._portions, b"")
            case Pause(seconds):
                await self._hang_up()
                await asyncio.sleep(seconds)
        return None

    def _request(self, call: Any, within_s: float | None) -> httpx.Request:
        within_s = self._timeout_s if within_s is None else within_s
        return sending.request(self._http, call, within_s, content=sending.async_content(call))

    async def _hang_up(self) -> None:
        if self._stream is not None:
            await self._stream.aclose()
            self._stream = None

    async def close(self) -> None:
        """Gives up what is left of the steps."""
        self._steps.close()
        await self._hang_up()
