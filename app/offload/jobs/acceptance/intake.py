"""The steps from a submission to a job, the same for a single job and for each member of a batch."""

from collections.abc import Callable
from dataclasses import dataclass

from offload.errors import UploadNotFoundError
from offload.jobs.acceptance.submission import ServerLimits, Submission, Terms, terms
from offload.jobs.interfaces import Clock, Findings, Traces, Uploads
from offload.jobs.model import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Makes jobs. A job is accepted only when it is in the journal."""

    limits: ServerLimits
    places: object
    """Where the files of this node are. Only tasks know it: see `TaskLike.examine`."""
    uploads: Uploads
    clock: Clock
    new_id: Callable[[], str]
    traces: Traces | None = None

    def terms(self, submission: Submission) -> Terms:
        """Return the terms of a submission. Raises `InvalidParametersError` and `TooExpensiveError`."""
        return terms(submission, self.limits)

    def examine(self, submission: Submission) -> Findings | None:
        """Have the task examine the parameters. Raises what the task finds wrong. May block: call it in a thread."""
        examine = submission.task.examine
        return None if examine is None else examine(submission.values, self.places)

    async def check_upload(self, upload: str | None, owner: str | None) -> None:
        """Raise `UploadNotFoundError` if the upload is another owner's or is being removed."""
        if upload is not None and not await self.uploads.belongs(upload, owner):
            raise UploadNotFoundError("There is no upload with this id.")

    def new_job(
        self, submission: Submission, terms: Terms, findings: Findings | None, batch_id: str | None = None
    ) -> Job:
        """Return the job, new and queued."""
        options = submission.options
        return Job(
            id=self.new_id(),
            task=submission.task.name,
            params=submission.params,
            created_at=self.clock(),
            timeout_s=terms.timeout_s,
            memory_mb=terms.memory_mb,
            max_attempts=terms.max_attempts,
            priority=options.get("priority") or 0,
            labels=tuple(dict.fromkeys(options.get("labels", ()))),
            owner=submission.owner,
            batch_id=batch_id,
            upload=findings.upload if findings else None,
            cost=terms.cost + (findings.cost if findings else 0.0),
            trace=None if self.traces is None else self.traces.here(),
        )
