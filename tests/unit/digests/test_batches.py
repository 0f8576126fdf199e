"""From patterns and manifests to the members of a batch, and what the report needs besides."""

import hashlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.digests.batches import MemberTemplate, find_members, read_members
from offload.digests.patterns import compile_pattern
from offload.digests.reports import ReportSource, load_report_source
from offload.digests.task import FileDigest
from offload.errors import InvalidParametersError
from offload.tasks.context import Places
from offload.tasks.registry import RegistrySpec, load_registry
from tests.support.directories import deep_file

FILE_DIGEST = load_registry(RegistrySpec())["file-digest"]
TEMPLATE = MemberTemplate(task=FILE_DIGEST, options={}, owner=None)
DIGEST = hashlib.sha256(b"x").hexdigest()


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(files_dir=tmp_path, uploads_dir=tmp_path)


def test_the_largest_file_is_the_most_expensive(places: Places) -> None:
    for name, size in {"small": 10, "large": 1000, "empty": 0}.items():
        (places.files_dir / name).write_bytes(bytes(size))
    members = find_members(TEMPLATE, places.files_dir, compile_pattern("*"), ["sha256", "md5"])
    costs = [one.cost for one in members.findings or () if one]
    assert costs[0] == 0
    assert costs[1] == pytest.approx(100 * costs[2])
    manifest = "".join(f"{DIGEST}  {name}\n" for name in ("empty", "large", "small", "missing", "../x")).encode()
    verified = read_members(TEMPLATE, places, manifest, None)
    assert [one and one.cost * 2 for one in verified.findings or ()] == [*costs, None, None]


def test_a_path_that_is_too_long_for_a_job_is_rejected_by_name(places: Places) -> None:
    deep_file(places.files_dir, depth=17)
    with pytest.raises(InvalidParametersError, match="more than 4096 bytes"):
        find_members(TEMPLATE, places.files_dir, compile_pattern("**"), ["sha256"])


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a", "a"),
        ("./a", "a"),
        ("././a//b/./c", "a/b/c"),
        (".hidden/a", ".hidden/a"),
        ("/a", "/a"),
        ("/./a", "/./a"),
        ("../a", "../a"),
        ("./../a", "../a"),
        ("a/", "a/"),
        ("a/.", "a/."),
        (".", "."),
        ("./", "./"),
    ],
)
def test_paths_are_made_plain(places: Places, name: str, path: str) -> None:
    members = read_members(TEMPLATE, places, f"{DIGEST}  {name}\n".encode(), None)
    (member,) = members.submissions
    assert json.loads(member.params)["path"] == path
    assert load_report_source(members.source or b"").name(0, path.encode()) == name.encode()


NAMES = st.lists(
    st.sampled_from([b".", b"", b"a", b"b ", b"\xff", b".."]) | st.binary(max_size=5), min_size=1, max_size=5
).map(b"/".join)


@given(st.lists(NAMES.filter(lambda name: name and b"\0" not in name), min_size=1, max_size=6))
def test_every_name_is_reported_as_it_was_written(names: list[bytes]) -> None:
    nowhere = Places(files_dir=Path("/nowhere"), uploads_dir=Path("/nowhere"))
    body = b"".join(f"{DIGEST}  ".encode() + name + b"\0" for name in names)
    members = read_members(TEMPLATE, nowhere, body, None)
    read: ReportSource = load_report_source(members.source or b"")
    files = [FileDigest.model_validate_json(member.params).file for member in members.submissions]
    paths = [os.fsencode(file or "") for file in files]
    assert [read.name(place, path) for place, path in enumerate(paths)] == names


def test_improper_lines_are_counted_and_the_first_are_named(places: Places) -> None:
    body = b"nonsense\n" * 150 + f"{DIGEST}  a\n".encode() + f"{DIGEST}  {'n' * 5000}\n".encode()
    manifest = load_report_source(read_members(TEMPLATE, places, body, None).source or b"")
    assert (manifest.improper, list(manifest.improper_lines)) == (151, list(range(1, 101)))
