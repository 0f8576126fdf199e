"""How the kernel treats a lane's process: on which CPUs it runs, how soon, if it is killed first. Linux only."""

import os


class SchedulingState:
    """The state before the first attempt."""

    def __init__(self) -> None:
        self._cpus = os.sched_getaffinity(0)
        self._policy = os.sched_getscheduler(0)
        self._nice = os.getpriority(os.PRIO_PROCESS, 0)
        try:
            self._oom_file: int | None = os.open("/proc/self/oom_score_adj", os.O_RDWR | os.O_CLOEXEC)
        except OSError:  # /proc is read-only
            self._oom_file = None
        self._oom_score = self._read_oom_score()

    def restore(self) -> None:
        """Restore it. Raise OSError where only root may, as for a higher nice value."""
        if os.sched_getaffinity(0) != self._cpus:
            os.sched_setaffinity(0, self._cpus)
        if os.sched_getscheduler(0) != self._policy:
            os.sched_setscheduler(0, self._policy, os.sched_param(0))
        if os.getpriority(os.PRIO_PROCESS, 0) != self._nice:
            os.setpriority(os.PRIO_PROCESS, 0, self._nice)
        if self._oom_file is not None and self._read_oom_score() != self._oom_score:
            os.pwrite(self._oom_file, self._oom_score, 0)

    def _read_oom_score(self) -> bytes:
        return os.pread(self._oom_file, 20, 0) if self._oom_file is not None else b""
