"""Every error that a user can meet, each with its status and problem type (RFC 9457).

The class has what is always the same; the `detail` of an instance says what happened and what to do. The docstring is
the text of the page `/problems/<type>`.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar


class BootError(Exception):
    """The service can't start. The message says what to change."""


class ExitBySignal(SystemExit):  # the end of the process, not an error
    """A signal ends the service in an orderly way. What handles SystemExit of a user's code must let this pass."""


class DuplicateKeyError(Exception):
    """An idempotency key was written twice. Raised by a journal; never seen by a client, because keys are held.

    See `offload.jobs.acceptance.idempotency`.
    """


class ProblemError(Exception):
    """A request that can't be fulfilled."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Something went wrong in the service"
    place: ClassVar[Sequence[str]] = ()
    """For 422: the place in the request, unless the instance's `errors` name it more exactly."""

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
        """Seconds after which to try again."""
        self.headers = headers or {}
        self.facts = facts or {}
        """Further members of the problem object."""


class HeadTooLargeError(ProblemError):
    """The request line and headers are too large. The detail says how large they may be."""

    status = 431
    type = "head-too-large"
    title = "The request's head is too large"


class InternalError(ProblemError):
    """An error in the service itself. Its log has the details, at the time of the request."""


class BadRequestError(ProblemError):
    """The request is not well-formed HTTP for this call, for example a broken multipart body or range."""

    status = 400
    type = "bad-request"
    title = "The request is malformed"


class UnauthorizedError(ProblemError):
    """The service requires a key, and the request has none or a wrong one.

    Send `Authorization: Bearer KEY` or `X-API-Key: KEY`.
    """

    status = 401
    type = "unauthorized"
    title = "A valid key is needed"


class CrossSiteRefusedError(ProblemError):
    """The request came from a page of another site, or names a host that the service does not know.

    A service without keys rejects requests from pages of other sites. Set `OFFLOAD_KNOWN_HOSTS` to the host names of
    the service, or use keys.
    """

    status = 403
    type = "cross-site-refused"
    title = "Not from another site"


class NotFoundError(ProblemError):
    """There is nothing at this path. `/docs` lists all paths."""

    status = 404
    type = "not-found"
    title = "Nothing is here"


class JobNotFoundError(NotFoundError):
    """There is no such job: the id is wrong, it belongs to another owner, or it was deleted.

    Jobs, batches and uploads are deleted on request, or when their retention ends.
    """

    type = "job-not-found"
    title = "No such job"


class TaskNotFoundError(NotFoundError):
    """No task has this name. `GET /tasks` lists all tasks."""

    type = "task-not-found"
    title = "No such task"


class BatchNotFoundError(NotFoundError):
    """There is no such batch: the id is wrong, it belongs to another owner, or it was deleted.

    Jobs, batches and uploads are deleted on request, or when their retention ends.
    """

    type = "batch-not-found"
    title = "No such batch"


class UploadNotFoundError(NotFoundError):
    """There is no such upload: the id is wrong, it belongs to another owner, or it was deleted.

    Jobs, batches and uploads are deleted on request, or when their retention ends.
    """

    type = "upload-not-found"
    title = "No such upload"


class MethodNotAllowedError(ProblemError):
    """The path does not support this method. The `Allow` header names the methods that it supports."""

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
    """The job has already succeeded or failed, so it can't be cancelled."""

    type = "job-finished"
    title = "The job has already finished"


class JobLiveError(ConflictError):
    """The job is queued or running, so it can't be deleted. Cancel it first."""

    type = "job-live"
    title = "The job is still live"


class IdempotencyInFlightError(ConflictError):
    """Another request with the same `Idempotency-Key` is being processed. Try again when it has finished."""

    type = "idempotency-in-flight"
    title = "The same key is in flight"


class BodyTooLargeError(ProblemError):
    """The body is too large for this call. The detail says how large it may be."""

    status = 413
    type = "body-too-large"
    title = "The body is too large"


class UnsupportedMediaTypeError(ProblemError):
    """This call does not accept the body's `Content-Type`. With curl, send JSON with `--json '{…}'`."""

    status = 415
    type = "unsupported-media-type"
    title = "Not this kind of body"


class RangeNotSatisfiableError(ProblemError):
    """The requested range is outside the result. `Content-Range` has the length of the result."""

    status = 416
    type = "range-not-satisfiable"
    title = "No such range"


class InvalidParametersError(ProblemError):
    """The request has wrong or missing values. `errors` names each place and what is wrong there."""

    status = 422
    type = "invalid-parameters"
    title = "Invalid parameters"
    place = ("body",)


class TooExpensiveError(ProblemError):
    """The work would take more CPU time than this server allows. Nothing was started. The detail names the limit."""

    status = 422
    type = "too-expensive"
    title = "Too expensive"
    place = ("body",)


class IdempotencyKeyReusedError(ProblemError):
    """This `Idempotency-Key` was already used for another request. Use a new key for each new submission."""

    status = 422
    type = "idempotency-key-reused"
    title = "The key was used for something else"
    place = ("header", "idempotency-key")


class DigestMismatchError(ProblemError):
    """The body does not match the digest in the request. Nothing was kept; send it again."""

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
    """The path is not a regular file: it is a directory, a pipe, a device or the like."""

    status = 422
    type = "not-a-regular-file"
    title = "Not a regular file"
    place = ("body", "path")


class QuotaExceededError(ProblemError):
    """This owner has the most queued jobs that the server allows. Try again when some have finished."""

    status = 429
    type = "quota-exceeded"
    title = "Too many queued jobs of yours"


class TransferCodingError(ProblemError):
    """The body has a transfer coding other than `chunked`. Send it with `Content-Length`, or with `chunked` alone."""

    status = 501
    type = "transfer-coding-not-supported"
    title = "The transfer coding is not supported"


class UnavailableError(ProblemError):
    """The service can't accept this now."""

    status = 503
    type = "unavailable"
    title = "Not now"


class QueueFullError(UnavailableError):
    """The queue is full. Nothing was accepted; try again after the seconds in `Retry-After`."""

    type = "queue-full"
    title = "The queue is full"


class StoppingError(UnavailableError):
    """The service is stopping and accepts no new work. Accepted jobs are kept and resumed at its next start."""

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
    """The server's disk is full, so nothing was accepted. Existing jobs can still be read."""

    status = 507
    type = "storage-full"
    title = "The disk is full"
