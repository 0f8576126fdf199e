"""Makes the records of jobs visible."""

from offload.jobs.changes.notifier import ChangeNotifier
from offload.jobs.dispatch.live import LiveJobs
from offload.jobs.model import Job
from offload.jobs.recent import RecentJobs
from offload.jobs.statistics import Statistics


class Publisher:
    """Shows a new record to all readers at once. A terminal record must be on disk before."""

    def __init__(self, live: LiveJobs, recent: RecentJobs, statistics: Statistics, changes: ChangeNotifier) -> None:
        self._live = live
        self._recent = recent
        self._statistics = statistics
        self._changes = changes

    def publish(self, job: Job) -> None:
        """Replace the visible record of a job, count it if it is terminal, and notify those that follow it."""
        self._live.put(job)
        if job.state.terminal:
            self._recent.put(job)
            self._statistics.count(job)
        self._changes.notify(job)
