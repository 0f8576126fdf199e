"""What can go wrong for a caller of an Offload: one tree, each error with its facts and a sentence for a person."""

from collections.abc import Mapping, Sequence
from typing import Any

from offload.client.records import Job


class OffloadError(Exception):
    """Everything that this client raises of its own. Waiting too long is the built-in `TimeoutError`."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Crosses to another process with its facts, whatever it was made of."""
        return _made_again, (type(self), self.args), self.__dict__


def _made_again(kind: type[OffloadError], args: tuple[Any, ...]) -> OffloadError:
    error = kind.__new__(kind)
    error.args = args
    return error


class UnsendableError(ValueError):
    """What was given can be in no request: half a character, a line end in an idempotency key, an id of dots."""

    def __init__(self, why: str) -> None:
        super().__init__(f"This can't be sent: {why}")


class UnreachableError(OffloadError):
    """Nobody answers at `url`, or not for as long as the client was told to go on trying."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"Nobody answers at {url}: {why}. Start a service there with `offload serve`, or set OFFLOAD_URL to where "
            "one runs."
        )
        self.url = url
        self.why = why


class NotOffloadError(UnreachableError):
    """Something answers at `url`, but not as an Offload does: a proxy's own page, another service, a wrong path."""

    def __init__(self, url: str, why: str, *, status: int = 200) -> None:
        OffloadError.__init__(
            self,
            f"What answers at {url} is not an Offload: {why}. Look at the address, and at what stands between. "
            "OFFLOAD_URL sets it.",
        )
        self.url = url
        self.why = why
        self.status = status


class RefusedError(OffloadError):
    """The service answered with a problem (RFC 9457). `str()` is what a person needs to know."""

    def __init__(self, problem: Mapping[str, Any], *, status: int, retry_after: float | None = None) -> None:
        self.status = status
        self.type = str(problem.get("type", "about:blank"))
        """As it was sent: `/problems/queue-full`, the path of a page of the service that explains it."""
        self.title = str(problem.get("title", f"HTTP {status}"))
        self.detail = str(problem.get("detail", ""))
        self.errors: Sequence[Mapping[str, Any]] = tuple(
            error
            for error in problem.get("errors") or ()
            if isinstance(error, dict) and isinstance(error.get("msg"), str)
        )
        """Of a 422: what is wrong where, as `{"loc": [...], "msg": "..."}`."""
        self.retry_after = retry_after
        """Seconds after which trying again makes sense, where the service said so."""
        self.problem = problem
        """All of it."""
        super().__init__(self._sentence())

    @property
    def kind(self) -> str:
        """The last part of its type: `queue-full`."""
        return self.type.rpartition("/")[2]

    def _sentence(self) -> str:
        told = self.detail or self.title
        more = [f"{_place(error.get('loc', ()))}: {error['msg']}" for error in self.errors if error["msg"] not in told]
        return f"{told} {'; '.join(more)}" if more else told


def _place(loc: Sequence[object]) -> str:
    """`n` of `["body", "n"]`: which part of the request it is in, nobody who called a function cares about."""
    return ".".join(map(str, loc[1:] or loc)) or "request"


class JobFailedError(OffloadError):
    """The job ended without a result. Why is in `job.error`."""

    def __init__(self, job: Job) -> None:
        error = job.error
        why = f"{error.detail} ({error.kind})" if error else "It does not say why."
        super().__init__(f"Job {job.id} of {job.task} failed: {why}")
        self.job = job


class JobCancelledError(OffloadError):
    """The job was cancelled, and has no result."""

    def __init__(self, job: Job) -> None:
        super().__init__(f"Job {job.id} of {job.task} was cancelled.")
        self.job = job
