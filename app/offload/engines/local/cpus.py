"""The number of CPUs that this process may use. Linux only.

`os.cpu_count()`, `os.process_cpu_count()` and psutil know the machine's CPUs and the affinity, but not the quota of a
cgroup (gh-80235, gh-149452): a container with half a CPU on a machine with 64 would open 64 lanes. `loky.cpu_count()`
reads only the quota at the root of /sys/fs/cgroup: it misses the quota of a group below, such as a systemd unit's.
"""

import math
import os
from pathlib import Path


def usable_cpus(proc: Path = Path("/proc/self"), cgroup_root: Path = Path("/sys/fs/cgroup")) -> int:
    """Return the smallest of the affinity and all cgroup quotas of this process, rounded up, at least 1."""
    allowed = [float(len(os.sched_getaffinity(0))), *quotas(proc, cgroup_root)]
    return max(1, math.ceil(min(allowed)))


def quotas(proc: Path, cgroup_root: Path) -> list[float]:
    """Return the CPUs that each limited cgroup allows, from this process's own group up to the root, in v2 and v1.

    In a container the path in /proc may be the host's, or begin with `..`, and then does not exist: the container's own
    group is mounted at the root.
    """
    found = []
    for controllers, path in _groups(proc):
        if controllers == "":
            mount, read = cgroup_root, _quota_v2
            if not (mount / "cgroup.controllers").exists():
                mount = cgroup_root / "unified"  # both versions side by side
        elif "cpu" in controllers.split(","):
            mount, read = cgroup_root / controllers, _quota_v1
            if not mount.exists():
                mount = cgroup_root / "cpu"
        else:
            continue
        own = Path(os.path.normpath(mount / path.lstrip("/")))
        levels = [level for level in (own, *own.parents) if level.is_relative_to(mount)] or [mount]
        found += [quota for quota in map(read, levels) if quota is not None]
    return found


def _groups(proc: Path) -> list[tuple[str, str]]:
    """Return (controllers, path) of each line `id:controllers:path` in /proc/self/cgroup. v2 has no controllers."""
    try:
        lines = (proc / "cgroup").read_text().splitlines()
    except OSError:
        return []
    return [(parts[1], parts[2]) for line in lines if len(parts := line.split(":", 2)) == 3]


def _quota_v2(group: Path) -> float | None:
    """Read cpu.max: "quota period" in microseconds, or "max period"."""
    return _ratio(_words(group / "cpu.max"))


def _quota_v1(group: Path) -> float | None:
    """Read cfs_quota_us and cfs_period_us. The quota is -1 without a limit."""
    return _ratio([*_words(group / "cpu.cfs_quota_us"), *_words(group / "cpu.cfs_period_us")])


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []


def _ratio(words: list[str]) -> float | None:
    match words:
        case [quota, period] if quota.isdigit() and period.isdigit() and int(quota) and int(period):
            return int(quota) / int(period)
    return None
