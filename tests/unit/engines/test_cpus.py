import os
from pathlib import Path

import pytest

from offload.engines.local.cpus import quotas, usable_cpus


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "proc").mkdir()
    return tmp_path / "proc"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "cgroup").mkdir()
    return tmp_path / "cgroup"


def group(directory: Path, **files: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (directory / name.replace("__", ".")).write_text(text + "\n")


def v2(proc: Path, root: Path, path: str = "/") -> None:
    (proc / "cgroup").write_text(f"0::{path}\n")
    (root / "cgroup.controllers").touch()


def v1(proc: Path, path: str = "/") -> None:
    (proc / "cgroup").write_text(f"3:memory:/\n2:cpu,cpuacct:{path}\n1:name=systemd:/\n")


@pytest.mark.parametrize(
    ("cpu_max", "expected"),
    [
        ("max 100000", []),
        ("150000 100000", [1.5]),
        ("50000 100000", [0.5]),
        ("0 100000", []),
        ("", []),
        ("many 100000", []),
        ("100000", []),
    ],
)
def test_the_quota_of_v2_is_in_cpu_max(proc: Path, root: Path, cpu_max: str, expected: list[float]) -> None:
    v2(proc, root)
    group(root, cpu__max=cpu_max)
    assert quotas(proc, root) == expected


def test_a_quota_of_any_ancestor_counts(proc: Path, root: Path) -> None:
    v2(proc, root, "/system.slice/offload.service")
    group(root / "system.slice", cpu__max="300000 100000")
    group(root / "system.slice" / "offload.service", cpu__max="max 100000")
    group(root / "other.slice", cpu__max="100000 100000")
    assert quotas(proc, root) == [3.0]


def test_in_a_container_the_hosts_path_does_not_exist_and_the_root_counts(proc: Path, root: Path) -> None:
    v2(proc, root, "/docker/0123")
    group(root, cpu__max="200000 100000")
    assert quotas(proc, root) == [2.0]


def test_a_path_above_the_container_stays_below_the_mount(proc: Path, root: Path) -> None:
    v2(proc, root, "/../outside")
    group(root, cpu__max="200000 100000")
    group(root.parent / "outside", cpu__max="100000 100000")
    assert quotas(proc, root) == [2.0]


def test_the_quota_of_v1_is_in_two_files_and_minus_one_is_no_quota(proc: Path, root: Path) -> None:
    v1(proc, "/docker/0123")
    mount = root / "cpu,cpuacct"
    group(mount, cpu__cfs_quota_us="-1", cpu__cfs_period_us="100000")
    group(mount / "docker" / "0123", cpu__cfs_quota_us="250000", cpu__cfs_period_us="100000")
    assert quotas(proc, root) == [2.5]


def test_v1_may_be_mounted_as_cpu_alone(proc: Path, root: Path) -> None:
    v1(proc)
    group(root / "cpu", cpu__cfs_quota_us="100000", cpu__cfs_period_us="100000")
    assert quotas(proc, root) == [1.0]


def test_both_versions_side_by_side(proc: Path, root: Path) -> None:
    (proc / "cgroup").write_text("1:cpu:/\n0::/app\n")
    group(root / "cpu", cpu__cfs_quota_us="400000", cpu__cfs_period_us="100000")
    group(root / "unified" / "app", cpu__max="300000 100000")
    assert sorted(quotas(proc, root)) == [3.0, 4.0]


def test_without_cgroups_the_affinity_decides(tmp_path: Path) -> None:
    assert usable_cpus(tmp_path, tmp_path) == len(os.sched_getaffinity(0))


def test_half_a_cpu_is_one_lane_and_the_affinity_bounds_a_generous_quota(proc: Path, root: Path) -> None:
    v2(proc, root)
    group(root, cpu__max="50000 100000")
    assert usable_cpus(proc, root) == 1
    group(root, cpu__max="100000000 100000")
    assert usable_cpus(proc, root) == len(os.sched_getaffinity(0))


def test_a_pinned_process_uses_what_it_is_pinned_to(tmp_path: Path) -> None:
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert usable_cpus(tmp_path, tmp_path) == 1
    finally:
        os.sched_setaffinity(0, allowed)
