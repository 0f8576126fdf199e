"""The queued and running jobs in memory. Polls of them need no read from disk."""

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from offload.jobs.model import Job, Progress, State

NO_PROGRESS = Progress()


class LiveJobs:
    """The newest record of each live job, the progress of its attempt, the members of batches, the uploads in use.

    Only `dispatch/` and `acceptance/` write here, and only what is in the journal or about to be.
    """

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._progress: dict[str, Progress] = {}
        self._uploads: Counter[str] = Counter()
        self._members: dict[str, set[str]] = {}
        self.params_bytes = 0
        """The size of the parameters of all live jobs."""

    def __len__(self) -> int:
        return len(self._jobs)

    def __getitem__(self, job_id: str) -> Job:
        """Return the live job. Raises `KeyError` if it is terminal or unknown."""
        return self._jobs[job_id]

    def get(self, job_id: str) -> Job | None:
        """Return the live job; None if it is terminal or unknown."""
        return self._jobs.get(job_id)

    def put(self, job: Job) -> None:
        """Put a new record of a job; a terminal record removes the job."""
        if job.state is not State.RUNNING:
            self._progress.pop(job.id, None)
        was_live = job.id in self._jobs
        if job.state.terminal:
            self._jobs.pop(job.id, None)
        else:
            self._jobs[job.id] = job
        is_live = job.id in self._jobs
        if is_live != was_live:
            self.params_bytes += len(job.params) if is_live else -len(job.params)
            self.count_reader(job.upload, 1 if is_live else -1)
            if job.batch_id is not None:
                members = self._members.setdefault(job.batch_id, set())
                members.symmetric_difference_update((job.id,))
                if not members:
                    del self._members[job.batch_id]

    @contextmanager
    def reading(self, upload: str | None) -> Iterator[None]:
        """Count an upload as in use while a job that reads it is being accepted. None does nothing."""
        self.count_reader(upload)
        try:
            yield
        finally:
            self.count_reader(upload, -1)

    def count_reader(self, upload: str | None, readers: int = 1) -> None:
        """Do the same as `reading` for callers that can't use `with`: 1 at the beginning, -1 at the end."""
        if upload is not None:
            self._uploads[upload] += readers
            if not self._uploads[upload]:
                del self._uploads[upload]

    def report(self, job: Job, progress: Progress) -> bool:
        """Put the progress of a running attempt; that of any other attempt is ignored.

        Return True if its task has reported something new. A change of its usage alone does not count.
        """
        if self._jobs.get(job.id) is not job:
            return False
        before = self._progress.get(job.id, NO_PROGRESS)
        self._progress[job.id] = progress
        return progress.reported != before.reported

    def progress(self, job_id: str) -> Progress | None:
        """Return what a running job's attempt last reported."""
        return self._progress.get(job_id)

    def members(self, batch_id: str) -> Collection[str]:
        """Return the ids of a batch's live members."""
        return self._members.get(batch_id, ())

    def uses(self, upload_id: str) -> bool:
        """Return True while a live job, or one that is being accepted, reads this upload."""
        return upload_id in self._uploads
