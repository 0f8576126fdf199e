"""The errors of the client. Each has its facts as attributes, and a sentence for people as its text."""

from collections.abc import Mapping, Sequence
from typing import Any

from offload.client.records import Job


class OffloadError(Exception):
    """The base of this client's errors. An expired timeout is the built-in `TimeoutError`."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the attributes, whatever parameters the constructor has."""
        return _unpickled, (type(self), self.args), self.__dict__


def _unpickled(kind: type[OffloadError], args: tuple[Any, ...]) -> OffloadError:
    error = kind.__new__(kind)
    error.args = args
    return error


class UnsendableError(ValueError):
    """An argument that no request can carry: a lone surrogate, an idempotency key with a line end, an id of dots."""

    def __init__(self, why: str) -> None:
        super().__init__(f"This can't be sent: {why}")


class UnreachableError(OffloadError):
    """No service responds at `url`, and retrying has not helped."""

    def __init__(self, url: str, why: str, *, maybe_received: bool = True, timed_out: bool = False) -> None:
        super().__init__(
            f"No service responds at {url}: {why}. Start one there with `offload serve`, or set OFFLOAD_URL to the "
            "address of a running service."
        )
        self.url = url
        self.why = why
        self.maybe_received = maybe_received
        """The service may have received the last request."""
        self.timed_out = timed_out
        """Nothing was received within the timeout."""


class NotOffloadError(UnreachableError):
    """What responds at `url` is not an Offload service: a proxy with its own page, another service, a wrong path."""

    def __init__(self, url: str, why: str, *, status: int = 200) -> None:
        super().__init__(url, why)
        text = f"What responds at {url} is not an Offload service: {why}."
        self.args = (f"{text} Check the address, which OFFLOAD_URL sets, and the proxies in between.",)
        self.status = status


class RefusedError(OffloadError):
    """The service responded with a problem document (RFC 9457). The text is its detail, with what is wrong where."""

    def __init__(self, problem: Mapping[str, Any], *, status: int, retry_after: float | None = None) -> None:
        self.status = status
        self.type = str(problem.get("type", "about:blank"))
        """As in the document: `/problems/queue-full`, the path of a page of the service that explains it."""
        self.title = str(problem.get("title", f"HTTP {status}"))
        self.detail = str(problem.get("detail", ""))
        self.errors: Sequence[Mapping[str, Any]] = tuple(
            error
            for error in problem.get("errors") or ()
            if isinstance(error, dict) and isinstance(error.get("msg"), str)
        )
        """For status 422: what is wrong where, as `{"loc": [...], "msg": "..."}`."""
        self.retry_after = retry_after
        """Seconds after which another try makes sense. None where the service names no time."""
        self.problem = problem
        """The whole document."""
        super().__init__(self._sentence())

    @property
    def kind(self) -> str:
        """The last part of `type`: `queue-full`."""
        return self.type.rpartition("/")[2]

    def _sentence(self) -> str:
        detail = self.detail or self.title
        more = [
            f"{_place(error.get('loc', ()))}: {error['msg']}" for error in self.errors if error["msg"] not in detail
        ]
        return f"{detail} {'; '.join(more)}" if more else detail


def _place(loc: Sequence[object]) -> str:
    """Return `n` for `["body", "n"]`: callers of a function don't need the part of the request."""
    return ".".join(map(str, loc[1:] or loc)) or "request"


class JobFailedError(OffloadError):
    """The job failed and has no result. `job.error` is the reason."""

    def __init__(self, job: Job) -> None:
        error = job.error
        why = f"{error.detail} ({error.kind})" if error else "The service gives no reason."
        super().__init__(f"Job {job.id} of {job.task} failed: {why}")
        self.job = job


class JobCancelledError(OffloadError):
    """The job was cancelled and has no result."""

    def __init__(self, job: Job) -> None:
        super().__init__(f"Job {job.id} of {job.task} was cancelled.")
        self.job = job
