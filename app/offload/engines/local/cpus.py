"""How many CPUs this process may really use. Linux only.

`os.cpu_count()` tells the machine's, and even the affinity knows nothing of a container's quota (gh-80235), so a
container of half a CPU on a machine of 64 would open 64 lanes.
"""

import math
import os
from pathlib import Path


def usable_cpus(proc: Path = Path("/proc/self"), cgroup_root: Path = Path("/sys/fs/cgroup")) -> int:
    """The smallest of the affinity and every cgroup quota above this process, rounded up, at least 1."""
    allowed = [float(len(os.sched_getaffinity(0))), *quotas(proc, cgroup_root)]
    return max(1, math.ceil(min(allowed)))


def quotas(proc: Path, cgroup_root: Path) -> list[float]:
    """CPUs that each limited cgroup allows, from this process's own group up to the root; v2 and v1 alike.

    In a container the path that /proc tells may be the host's, or begin with `..`, and isn't there: then the
    container's own group is what is mounted at the root.
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
    """(controllers, path) of each line `id:controllers:path` in /proc/self/cgroup; v2's has no controllers."""
    try:
        lines = (proc / "cgroup").read_text().splitlines()
    except OSError:
        return []
    return [(parts[1], parts[2]) for line in lines if len(parts := line.split(":", 2)) == 3]


def _quota_v2(group: Path) -> float | None:
    """cpu.max is "quota period" in microseconds, or "max period"."""
    return _ratio(_words(group / "cpu.max"))


def _quota_v1(group: Path) -> float | None:
    """cfs_quota_us is -1 where there is no limit."""
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
