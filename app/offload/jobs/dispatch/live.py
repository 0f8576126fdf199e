"""The jobs that are not terminal, in memory: what every poll of a queued or running job is answered from."""

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from offload.jobs.model import Job, Progress, State

NOTHING_TOLD = Progress()


class LiveJobs:
    """One record for each live job, what its attempt last reported, which are of a batch, and which uploads are read.

    Only the dispatcher writes here, and only what is, or is about to be, in the journal.
    """

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._progress: dict[str, Progress] = {}
        self._uploads: Counter[str] = Counter()
        self._members: dict[str, set[str]] = {}
        self.params_bytes = 0
        """What the parameters of all live jobs take."""

    def __len__(self) -> int:
        return len(self._jobs)

    def __getitem__(self, job_id: str) -> Job:
        """The live job. Raises `KeyError` where it is terminal or unknown."""
        return self._jobs[job_id]

    def get(self, job_id: str) -> Job | None:
        """The live job; None where it is terminal or unknown."""
        return self._jobs.get(job_id)

    def put(self, job: Job) -> None:
        """Remembers a new record of a job; a terminal one is forgotten."""
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
        """Counts an upload as being read while a job for it is being accepted; None is none."""
        self.count_reader(upload)
        try:
            yield
        finally:
            self.count_reader(upload, -1)

    def count_reader(self, upload: str | None, readers: int = 1) -> None:
        """As `reading`, for who can't be a block: 1 where it begins, and -1 where it ends."""
        if upload is not None:
            self._uploads[upload] += readers
            if not self._uploads[upload]:
                del self._uploads[upload]

    def report(self, job: Job, progress: Progress) -> bool:
        """Remembers what a running attempt is doing; news of any other attempt is dropped.

        True where its task has told something new; what it uses, alone, is no news.
        """
        if self._jobs.get(job.id) is not job:
            return False
        before = self._progress.get(job.id, NOTHING_TOLD)
        self._progress[job.id] = progress
        return progress.reported != before.reported

    def progress(self, job_id: str) -> Progress | None:
        """What a running job's attempt last reported."""
        return self._progress.get(job_id)

    def members(self, batch_id: str) -> Collection[str]:
        """The ids of a batch's live members."""
        return self._members.get(batch_id, ())

    def uses(self, upload_id: str) -> bool:
        """True while a live job, or one that is being accepted, reads this upload."""
        return upload_id in self._uploads
