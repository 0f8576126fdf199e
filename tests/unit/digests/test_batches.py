"""From manifests and patterns to members: what their jobs are told, and what the report needs besides."""

import hashlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.digests.batches import Wanted, matching, verifying
from offload.digests.patterns import compile_pattern
from offload.digests.reports import ToVerify, to_verify
from offload.digests.task import FileDigest
from offload.errors import InvalidParametersError
from offload.tasks.context import Places
from offload.tasks.registry import RegistrySpec, load_registry
from tests.support.directories import deep_file

FILE_DIGEST = load_registry(RegistrySpec())["file-digest"]
WANTED = Wanted(task=FILE_DIGEST, options={}, owner=None)
DIGEST = hashlib.sha256(b"x").hexdigest()


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(files_dir=tmp_path, uploads_dir=tmp_path)


def test_the_dearest_is_the_largest(places: Places) -> None:
    for name, size in {"small": 10, "large": 1000, "empty": 0}.items():
        (places.files_dir / name).write_bytes(bytes(size))
    members = matching(WANTED, places.files_dir, compile_pattern("*"), ["sha256", "md5"])
    costs = [one.cost for one in members.examined]
    assert costs[0] == 0
    assert costs[1] == pytest.approx(100 * costs[2])
    manifest = "".join(f"{DIGEST}  {name}\n" for name in ("empty", "large", "small", "missing", "../x")).encode()
    verified, _ = verifying(WANTED, places, manifest, None)
    assert [one.cost * 2 for one in verified.examined] == [*costs, 0, 0]


def test_a_path_that_no_job_could_carry_is_refused_by_name(places: Places) -> None:
    deep_file(places.files_dir, depth=17)
    with pytest.raises(InvalidParametersError, match="more than 4096 bytes"):
        matching(WANTED, places.files_dir, compile_pattern("**"), ["sha256"])


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
    members, manifest = verifying(WANTED, places, f"{DIGEST}  {name}\n".encode(), None)
    (member,) = members.submissions
    assert json.loads(FILE_DIGEST.dump(member.params))["path"] == path
    assert to_verify(manifest.dump()).name(0, path.encode()) == name.encode()


NAMES = st.lists(
    st.sampled_from([b".", b"", b"a", b"b ", b"\xff", b".."]) | st.binary(max_size=5), min_size=1, max_size=5
).map(b"/".join)


@given(st.lists(NAMES.filter(lambda name: name and b"\0" not in name), min_size=1, max_size=6))
def test_every_name_is_told_as_it_was_written(names: list[bytes]) -> None:
    nowhere = Places(files_dir=Path("/nowhere"), uploads_dir=Path("/nowhere"))
    body = b"".join(f"{DIGEST}  ".encode() + name + b"\0" for name in names)
    members, manifest = verifying(WANTED, nowhere, body, None)
    read: ToVerify = to_verify(manifest.dump())
    files = [FileDigest.model_validate_json(FILE_DIGEST.dump(member.params)).file for member in members.submissions]
    paths = [os.fsencode(file or "") for file in files]
    assert [read.name(place, path) for place, path in enumerate(paths)] == names


def test_what_can_not_be_read_is_counted_and_the_first_are_named(places: Places) -> None:
    body = b"nonsense\n" * 150 + f"{DIGEST}  a\n".encode() + f"{DIGEST}  {'n' * 5000}\n".encode()
    _, manifest = verifying(WANTED, places, body, None)
    assert (manifest.improper, list(manifest.improper_lines)) == (151, list(range(1, 101)))
