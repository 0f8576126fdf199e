"""Every error that a user can meet, each with its status and problem type (RFC 9457).

The class says what is always so; the instance's `detail` says what happened here and what to do. The docstring is the
text of the page `/problems/<type>`.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar


class BootError(Exception):
    """The service can't start. The message says what to change."""


class DuplicateKeyError(Exception):
    """An idempotency key was written twice. Raised by a journal; `submit` answers it with the job that has the key."""


class ProblemError(Exception):
    """A request that can't be answered as asked."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Something went wrong in the service"
    place: ClassVar[Sequence[str]] = ()
    """For 422: where in the request it is, unless the instance's `errors` say it more exactly."""

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[Mapping[str, object]] | None = None,
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
        facts: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = [{"loc": [*self.place], "msg": detail}] if errors is None and self.place else errors
        """For 422: `[{"loc": [...], "msg": "..."}]`."""
        self.retry_after = retry_after
        """Seconds after which trying again makes sense."""
        self.headers = headers or {}
        self.facts = facts or {}
        """Further members of the problem object."""


class HeadTooLargeError(ProblemError):
    """The request line and headers are larger than any honest request's. The detail says how large they may be."""

    status = 431
    type = "head-too-large"
    title = "The request's head is too large"


class InternalError(ProblemError):
    """A fault of the service itself. The log has the details, under the time of the request."""


class BadRequestError(ProblemError):
    """The request is not well-formed HTTP for this call, for example a broken multipart body or range."""

    status = 400
    type = "bad-request"
    title = "The request is malformed"


class UnauthorizedError(ProblemError):
    """The service has keys and the request has none that it knows.

    Send `Authorization: Bearer KEY` or `X-API-Key: KEY`.
    """

    status = 401
    type = "unauthorized"
    title = "A valid key is needed"


class CrossSiteRefusedError(ProblemError):
    """A page of another site sent this, or the service was called by a name that it does not know.

    A service without keys does nothing for pages of other sites. Set `OFFLOAD_KNOWN_HOSTS` to the names that lead to
    it, or use keys.
    """

    status = 403
    type = "cross-site-refused"
    title = "Not from another site"


class NotFoundError(ProblemError):
    """There is nothing at this path. `/docs` shows every path there is."""

    status = 404
    type = "not-found"
    title = "Nothing is here"


class JobNotFoundError(NotFoundError):
    """There is no such job: it never was, it is somebody else's, it was deleted, or its retention has ended."""

    type = "job-not-found"
    title = "No such job"


class TaskNotFoundError(NotFoundError):
    """No task of this name is registered. `GET /tasks` lists those that are."""

    type = "task-not-found"
    title = "No such task"


class BatchNotFoundError(NotFoundError):
    """There is no such batch: it never was, it is somebody else's, it was deleted, or its retention has ended."""

    type = "batch-not-found"
    title = "No such batch"


class UploadNotFoundError(NotFoundError):
    """There is no such upload: it never was, it is somebody else's, it was deleted, or its retention has ended."""

    type = "upload-not-found"
    title = "No such upload"


class MethodNotAllowedError(ProblemError):
    """The path exists but not with this method. The `Allow` header names those it has."""

    status = 405
    type = "method-not-allowed"
    title = "Not with this method"


class UploadTooSlowError(ProblemError):
    """The body did not arrive in time. Send it again over a faster connection, or in smaller parts."""

    status = 408
    type = "upload-too-slow"
    title = "The body came too slowly"


class HeadTooSlowError(ProblemError):
    """The request line and headers did not arrive in time. Send them in one piece."""

    status = 408
    type = "head-too-slow"
    title = "The request's head came too slowly"


class ConflictError(ProblemError):
    """The job is not in a state that allows this."""

    status = 409
    type = "conflict"
    title = "Not in this state"


class JobNotFinishedError(ConflictError):
    """The job has no result yet. Wait for it with `GET /jobs/{id}?wait=60`."""

    type = "job-not-finished"
    title = "The job has not finished"


class JobFailedError(ConflictError):
    """The job failed and has no result. Its `error` says why."""

    type = "job-failed"
    title = "The job failed"


class JobCancelledError(ConflictError):
    """The job was cancelled and has no result."""

    type = "job-cancelled"
    title = "The job was cancelled"


class JobFinishedError(ConflictError):
    """The job has already succeeded or failed, so it can't be cancelled any more."""

    type = "job-finished"
    title = "The job has already finished"


class JobLiveError(ConflictError):
    """The job is queued or running, so it can't be deleted. Cancel it first."""

    type = "job-live"
    title = "The job is still live"


class IdempotencyInFlightError(ConflictError):
    """A request with the same `Idempotency-Key` is being answered right now. Try again when it has been."""

    type = "idempotency-in-flight"
    title = "The same key is in flight"


class BodyTooLargeError(ProblemError):
    """The body is larger than this call takes. The detail says how large it may be."""

    status = 413
    type = "body-too-large"
    title = "The body is too large"


class UnsupportedMediaTypeError(ProblemError):
    """The body's `Content-Type` is not one that this call takes. With curl, send JSON by `--json '{…}'`."""

    status = 415
    type = "unsupported-media-type"
    title = "Not this kind of body"


class RangeNotSatisfiableError(ProblemError):
    """The range asked for lies outside the result. `Content-Range` says how long the result is."""

    status = 416
    type = "range-not-satisfiable"
    title = "No such range"


class InvalidParametersError(ProblemError):
    """Something in the request is not what the call takes. `errors` names each place and what is wrong with it."""

    status = 422
    type = "invalid-parameters"
    title = "Invalid parameters"
    place = ("body",)


class TooExpensiveError(ProblemError):
    """The work would cost more than this server allows. Nothing was started. The detail names the limit."""

    status = 422
    type = "too-expensive"
    title = "Too expensive"
    place = ("body",)


class IdempotencyKeyReusedError(ProblemError):
    """This `Idempotency-Key` was already used for another request. Make a new key for each different submission."""

    status = 422
    type = "idempotency-key-reused"
    title = "The key was used for something else"
    place = ("header", "idempotency-key")


class DigestMismatchError(ProblemError):
    """The body does not have the digest that the request says it has. Nothing was kept; send it again."""

    status = 422
    type = "digest-mismatch"
    title = "The body does not match its digest"
    place = ("body",)


class PathRefusedError(ProblemError):
    """The path leaves the files directory, is absolute, or goes through a symbolic link.

    Give a path relative to that directory.
    """

    status = 422
    type = "path-refused"
    title = "Not a path below the files directory"
    place = ("body", "path")


class FileNotFoundProblemError(ProblemError):
    """There is no file at this path below the files directory."""

    status = 422
    type = "file-not-found"
    title = "No such file"
    place = ("body", "path")


class NotARegularFileError(ProblemError):
    """The path names a directory, a pipe, a device or another thing that is not a regular file."""

    status = 422
    type = "not-a-regular-file"
    title = "Not a regular file"
    place = ("body", "path")


class QuotaExceededError(ProblemError):
    """This owner has as many queued jobs as the server allows one owner. Try again when some have finished."""

    status = 429
    type = "quota-exceeded"
    title = "Too many queued jobs of yours"


class UnavailableError(ProblemError):
    """The service can't take this now."""

    status = 503
    type = "unavailable"
    title = "Not now"


class QueueFullError(UnavailableError):
    """The queue holds as many jobs as it may. Nothing was accepted; try again after the seconds in `Retry-After`."""

    type = "queue-full"
    title = "The queue is full"


class StoppingError(UnavailableError):
    """The service is stopping and takes no new work. What it accepted is kept and goes on at its next start."""

    type = "stopping"
    title = "The service is stopping"


class NotReadyError(UnavailableError):
    """A part of the service is not ready. The detail says which."""

    type = "not-ready"
    title = "Not ready"


class StorageFailedError(UnavailableError):
    """The journal could not write, so nothing was accepted. The server's log says why."""

    type = "storage-failed"
    title = "The journal could not write"


class StorageFullError(ProblemError):
    """The server's disk is full, so nothing was accepted. What is there can still be read."""

    status = 507
    type = "storage-full"
    title = "The disk is full"
