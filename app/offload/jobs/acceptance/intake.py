"""From a submission to a job: the same steps for one and for each member of a batch."""

from collections.abc import Callable
from dataclasses import dataclass

from offload.errors import UploadNotFoundError
from offload.jobs.acceptance.admission import ServerLimits, Submission, Terms, terms
from offload.jobs.interfaces import Clock, Traces, Uploads
from offload.jobs.model import Job
from offload.tasks.context import Places
from offload.tasks.definition import Examined


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a submission would be accepted for: its limits, and about how many CPU seconds it takes."""

    params: bytes
    """The parameters as the job will have them."""
    terms: Terms
    cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Makes jobs. Nothing is accepted here: a job counts once it is in the journal."""

    limits: ServerLimits
    places: Places
    uploads: Uploads
    clock: Clock
    new_id: Callable[[], str]
    traces: Traces | None = None

    def offer(self, submission: Submission) -> Offer:
        """Raises `InvalidParametersError` for options over the server's limits, and `TooExpensiveError`."""
        task = submission.task
        agreed = terms(task, submission.options, self.limits)
        return Offer(params=task.dump(submission.params), terms=agreed, cost=task.cost(submission.params))

    def examine(self, submission: Submission) -> Examined:
        """Has the task look up what the parameters name; raises what it finds wrong. May block: for a thread."""
        task = submission.task
        return task.examine(submission.params, self.places) if task.examine else Examined()

    async def check_upload(self, upload: str | None, owner: str | None) -> None:
        """Raises `UploadNotFoundError` for another owner's, and for one that is being removed since the look."""
        if upload is not None and not await self.uploads.belongs(upload, owner):
            raise UploadNotFoundError("There is no upload with this id.")

    def job(self, submission: Submission, offer: Offer, examined: Examined, batch_id: str | None = None) -> Job:
        """The job, new and queued."""
        return Job(
            id=self.new_id(),
            task=submission.task.name,
            params=offer.params,
            created_at=self.clock(),
            timeout_s=offer.terms.timeout_s,
            memory_mb=offer.terms.memory_mb,
            max_attempts=offer.terms.max_attempts,
            priority=submission.options.get("priority") or 0,
            labels=tuple(dict.fromkeys(submission.options.get("labels", ()))),
            owner=submission.owner,
            batch_id=batch_id,
            upload=examined.upload,
            cost=offer.cost + examined.cost,
            trace=None if self.traces is None else self.traces.here(),
        )
