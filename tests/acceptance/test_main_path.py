"""The main purpose of the service: the examples of the README, and several heavy jobs at once."""

import hashlib
import os
from pathlib import Path

import gmpy2
import pytest

from tests.support.caller import TERMINAL, Caller, answer
from tests.support.server import Server
from tests.support.waiting import until_sync

BIG = 10_000_000
BIG_DIGITS = 2_089_877
MIB = 1 << 20


def test_prefer_wait_returns_the_result(api: Caller) -> None:
    response = api.http.post("/jobs/fibonacci", json={"n": 1000}, headers={"Prefer": "wait=30"})
    job = answer(response, 200)
    assert response.headers["Preference-Applied"] == "wait=30"
    assert job["state"] == "succeeded"
    assert job["result"]["value"] == str(gmpy2.fib(1000))
    assert job["result"]["value"].endswith("228875")
    assert job["result"]["digits"] == 209


def test_two_million_digits_are_downloaded_completely_and_in_ranges(api: Caller) -> None:
    job = api.submit("fibonacci", {"n": BIG})
    job = api.succeeded(job["id"])
    assert job["result"] is None
    url = job["links"]["result"]

    whole = api.http.get(url)
    assert len(whole.content) == job["result_bytes"]
    result = whole.json()
    assert result["digits"] == len(result["value"]) == BIG_DIGITS
    assert gmpy2.mpz(result["value"]) == gmpy2.fib(BIG)

    part = api.http.get(url, headers={"Range": "bytes=1000-1999", "If-Range": whole.headers["ETag"]})
    assert part.status_code == 206
    assert part.headers["Content-Range"] == f"bytes 1000-1999/{len(whole.content)}"
    assert part.content == whole.content[1000:2000]
    assert api.http.get(url, headers={"Range": "bytes=-10"}).content == whole.content[-10:]
    assert api.http.get(url, headers={"Range": f"bytes={len(whole.content)}-"}).status_code == 416
    assert api.http.get(url, headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304


def test_a_file_is_digested_by_its_path(server: Server, api: Caller) -> None:
    content = os.urandom(3 * MIB + 1)
    below = server.files_dir / "photos" / "2026"
    below.mkdir(parents=True)
    (below / "käse.bin").write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    job = api.submit(
        "file-digest",
        {"path": "photos/2026/käse.bin", "algorithms": ["sha256", "md5"], "expected": {"sha256": sha256.upper()}},
    )
    assert api.succeeded(job["id"])["result"] == {
        "name": "photos/2026/käse.bin",
        "size": len(content),
        "digests": {"sha256": sha256, "md5": hashlib.md5(content, usedforsecurity=False).hexdigest()},
        "verified": True,
    }


def test_an_uploaded_file_is_digested(api: Caller, tmp_path: Path) -> None:
    content = os.urandom(3 * MIB + 1)
    (tmp_path / "up.bin").write_bytes(content)
    upload = answer(api.http.post("/uploads", content=content, params={"name": "up.bin"}), 201)
    assert upload["size"] == len(content)
    job = api.submit("file-digest", {"upload": upload["id"]})
    result = api.succeeded(job["id"])["result"]
    assert result["digests"] == {"sha256": hashlib.sha256(content).hexdigest()}
    assert (result["name"], result["verified"]) == ("up.bin", None)


def test_one_request_uploads_and_digests_a_file(api: Caller) -> None:
    content = os.urandom(MIB)
    response = api.http.post(
        "/jobs/file-digest/upload",
        files={"file": ("notes.txt", content)},
        data={"algorithms": "sha512,crc32"},
        headers={"Prefer": "wait=30"},
    )
    result = answer(response, 200)["result"]
    assert result["name"] == "notes.txt"
    assert set(result["digests"]) == {"sha512", "crc32"}
    assert result["digests"]["sha512"] == hashlib.sha512(content).hexdigest()


def test_four_recursions_share_two_lanes(api: Caller) -> None:
    jobs = {n: api.submit("fibonacci", {"n": n, "algorithm": "recursive"})["id"] for n in (30, 32, 34, 36)}
    busy = until_sync(
        lambda: busy if len(busy := [lane for lane in api.lanes() if lane["state"] == "busy"]) == 2 else None,
        what="both lanes to be busy",
    )
    assert len({lane["pid"] for lane in busy}) == len({lane["job"] for lane in busy}) == 2
    for n, job_id in jobs.items():
        assert api.succeeded(job_id)["result"]["value"] == str(gmpy2.fib(n))


def test_a_large_file_is_followed_while_a_recursion_runs(server: Server, api: Caller) -> None:
    block = os.urandom(MIB)
    sha256 = hashlib.sha256()
    with (server.files_dir / "big.bin").open("wb") as big:
        for _ in range(300):
            big.write(block)
            sha256.update(block)
    recursion = api.submit("fibonacci", {"n": 35, "algorithm": "recursive"})
    digest = api.submit("file-digest", {"path": "big.bin", "algorithms": ["sha256", "sha512", "sha3-256", "blake2b"]})

    seen: list[int] = []

    def poll() -> bool:
        job = api.job(digest["id"])
        if job["state"] == "running" and (progress := job["progress"]):
            assert (progress["total"], progress["unit"]) == (300 * MIB, "bytes")
            assert progress["fraction"] == pytest.approx(progress["done"] / progress["total"], abs=1e-3)
            seen.append(progress["done"])
        return job["state"] in TERMINAL

    until_sync(poll, within=60, what="the digest to end")
    assert seen == sorted(seen)
    assert len(set(seen)) >= 3, f"progress was only ever {set(seen)}"
    assert api.succeeded(digest["id"])["result"]["digests"]["sha256"] == sha256.hexdigest()
    assert api.succeeded(recursion["id"])["result"]["value"] == str(gmpy2.fib(35))
