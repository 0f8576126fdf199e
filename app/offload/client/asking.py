"""One call, tried until it is answered: what may be sent again, and when it has been enough."""

from collections.abc import Callable
from typing import Any, TypeVar

from offload.client import reading
from offload.client.call import Answer, Call
from offload.client.errors import NotOffloadError, RefusedError, UnreachableError
from offload.client.patience import Service, Tries
from offload.client.steps import Head, LostError, Pause, Steps, exchange, open_, read_rest

T = TypeVar("T")

PASSING = frozenset({429, 503})
"""Statuses of problems after which the same call may well succeed: nothing was accepted."""

GATEWAY = frozenset({502, 503, 504})
"""Statuses by which a proxy says that the service behind it does not answer."""


def ask(service: Service, call: Call[T], *, until: float | None = None, within_s: float | None = None) -> Steps[T]:
    """What the answer is read as.

    Raises `RefusedError`, `UnreachableError`, `NotOffloadError`; and `TimeoutError` where `until`, on the monotonic
    clock, comes first.
    """
    tries = Tries(service=service, until=until)
    maybe_done = False
    while True:
        error: UnreachableError | RefusedError
        try:
            answer = yield from exchange(call, within_s)
        except LostError as lost:
            error = UnreachableError(service.url, lost.why)
            if lost.sent and not call.safe:
                raise error from lost
            maybe_done = maybe_done or lost.sent
        else:
            try:
                return read_answer(service, call, answer)
            except (RefusedError, NotOffloadError) as refused:
                error = refused
            if call.forgets and maybe_done and answer.status == 404:
                return call.read(answer)
            if not may_pass(error) or not call.safe:
                raise error
            maybe_done = maybe_done or isinstance(error, NotOffloadError)  # a proxy's: what is behind may have got it
        yield Pause(tries.failed(error))


def persist(tries: Tries, attempt: Callable[[], Steps[bool]]) -> Steps[None]:
    """Makes attempts until one answers True, with a pause after each that has failed but may pass.

    Raises what has failed for good, or for too long.
    """
    while True:
        error: UnreachableError | RefusedError
        try:
            if (yield from attempt()):
                return
            continue
        except LostError as lost:
            error = UnreachableError(tries.service.url, lost.why)
        except (RefusedError, NotOffloadError) as refused:
            if not may_pass(refused):
                raise
            error = refused
        yield Pause(tries.failed(error))


def open_good(service: Service, call: Call[Any]) -> Steps[Head]:
    """The head of an answer that is read on by `read`. Raises as `persist` wants it."""
    head = yield from open_(call)
    if head.status >= 300:
        read_answer(service, call, (yield from read_rest(head)))
    service.met = True
    return head


def read_answer(service: Service, call: Call[T], answer: Answer) -> T:
    """What a call reads its answer as. Raises `RefusedError` and `NotOffloadError`."""
    service.met = service.met or answer.status < 500
    try:
        read = reading.refusal(answer) if answer.status >= 300 else call.read(answer)
    except ValueError as error:
        raise NotOffloadError(service.url, str(error), status=answer.status) from None
    if isinstance(read, RefusedError):
        raise read
    return read


def may_pass(error: RefusedError | UnreachableError) -> bool:
    """Whether the same call may well succeed a little later."""
    if isinstance(error, RefusedError):
        return error.status in PASSING or error.kind == "idempotency-in-flight"
    return not isinstance(error, NotOffloadError) or error.status in GATEWAY
