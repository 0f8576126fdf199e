"""`GET /jobs/{id}/result`: whole or in parts, from memory or from a file."""

import json
from contextlib import suppress
from pathlib import Path

import pytest

from offload.jobs.model import Done, Failed, Failure, FailureKind, Usage
from tests.support.api_server import ApiServer
from tests.support.problems import problem

pytestmark = pytest.mark.anyio

SMALL = b'{"value":"0123456789"}'
LARGE = json.dumps(["x" * 99] * 40_000).encode()
"""Some chunks of a file."""


async def succeeded(server: ApiServer, result: bytes) -> str:
    """The path of a job with this result, which is left in a file where it is large."""
    path: str = (await server.client.post("/jobs/fibonacci", json={"n": 1})).json()["links"]["self"]
    inline = len(result) <= 16 * 1024
    if not inline:
        server.results.path(await server.engine.running(path[6:])).write_bytes(result)
    done = Done(result=result if inline else None, result_bytes=len(result), usage=Usage(wall_s=1))
    await server.engine.end(path[6:], done)
    job = (await server.client.get(f"{path}?wait=60")).json()
    assert job["result"] == (json.loads(result) if inline else None)
    assert job["result_bytes"] == len(result)
    return path


@pytest.mark.parametrize("result", [SMALL, LARGE, b"null", b"1"])
async def test_the_whole_result(server: ApiServer, result: bytes) -> None:
    path = await succeeded(server, result)
    answer = await server.client.get(f"{path}/result")
    assert (answer.status_code, answer.content) == (200, result)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-length"] == str(len(result))
    assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize("result", [SMALL, LARGE])
@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=5-9", 5, 10),
        ("bytes=5-", 5, None),
        ("bytes=-5", -5, None),
        ("bytes=-99999999999999999999999999", 0, None),
        ("bytes=3-99999999999999999999999999", 3, None),
        ("Bytes= 1-2 ", 1, 3),
    ],
)
async def test_a_part(server: ApiServer, result: bytes, header: str, start: int, end: int | None) -> None:
    path = await succeeded(server, result)
    answer = await server.client.get(f"{path}/result", headers={"Range": header})
    part = result[start:end]
    first = start % len(result)
    assert (answer.status_code, answer.content) == (206, part)
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(part) - 1}/{len(result)}"
    assert answer.headers["content-length"] == str(len(part))


@pytest.mark.parametrize(
    "header", ["bytes=0-1,3-4", "bytes=-", "bytes=4-2", "items=0-1", "bytes", "bytes=a-b", "bytes=²-3"]
)
async def test_what_is_no_single_range_gives_the_whole(server: ApiServer, header: str) -> None:
    path = await succeeded(server, SMALL)
    answer = await server.client.get(f"{path}/result", headers=[(b"range", header.encode())])
    assert (answer.status_code, answer.content) == (200, SMALL)


@pytest.mark.parametrize("result", [SMALL, LARGE])
@pytest.mark.parametrize("header", ["bytes=99999999-", "bytes=99999999-100000000", "bytes=-0"])
async def test_a_part_outside_is_refused(server: ApiServer, result: bytes, header: str) -> None:
    path = await succeeded(server, result)
    answer = await server.client.get(f"{path}/result", headers={"Range": header})
    problem(answer, 416, "range-not-satisfiable")
    assert answer.headers["content-range"] == f"bytes */{len(result)}"


@pytest.mark.parametrize("result", [SMALL, LARGE])
async def test_the_tag_stays(server: ApiServer, result: bytes) -> None:
    path = await succeeded(server, result)
    tag = (await server.client.get(f"{path}/result")).headers["etag"]
    assert tag == (await server.client.get(f"{path}/result", headers={"Range": "bytes=1-"})).headers["etag"]
    again = await server.client.get(f"{path}/result", headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    for if_range, status in ((tag, 206), ('"other"', 200), (f"W/{tag}", 200)):
        headers = {"Range": "bytes=1-", "If-Range": if_range}
        assert (await server.client.get(f"{path}/result", headers=headers)).status_code == status


async def test_head_has_no_range(server: ApiServer) -> None:
    path = await succeeded(server, SMALL)
    head = await server.client.head(f"{path}/result", headers={"Range": "bytes=1-2"})
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(SMALL)))


async def test_no_result_says_why(server: ApiServer) -> None:
    path = (await server.client.post("/jobs/fibonacci", json={"n": 1})).json()["links"]["self"]
    answer = await server.client.get(f"{path}/result")
    problem(answer, 409, "job-not-finished")
    assert answer.headers["retry-after"] == "1"
    await server.engine.end(path[6:], Failed(failure=Failure(kind=FailureKind.TASK_RAISED, detail="Oh no.")))
    await server.client.get(f"{path}?wait=60")
    assert "Oh no." in problem(await server.client.get(f"{path}/result"), 409, "job-failed")["detail"]
    path = (await server.client.post("/jobs/fibonacci", json={"n": 1})).json()["links"]["self"]
    await server.client.post(f"{path}/cancel")
    problem(await server.client.get(f"{path}/result"), 409, "job-cancelled")


@pytest.mark.parametrize("damage", ["lost", "short"])
async def test_a_lost_file_is_told(server: ApiServer, damage: str) -> None:
    path = await succeeded(server, LARGE)
    file = next(server.results.directory.iterdir())
    if damage == "lost":
        file.unlink()
    else:
        file.write_bytes(LARGE[:-1])
    detail = problem(await server.client.get(f"{path}/result"), 500, "internal-error")["detail"]
    assert "missing or incomplete" in detail
    assert str(file) not in detail


def open_files() -> int:
    """How many files this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_no_file_stays_open(server: ApiServer) -> None:
    path = f"{await succeeded(server, LARGE)}/result"

    async def gone() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def refuse(_: object) -> None:
        raise OSError("the client is gone")

    await server.client.get(path)
    before = open_files()
    for header in ("bytes=0-", "bytes=1-2", "bytes=99999999-"):
        await server.client.get(path, headers={"Range": header})
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": [], "http_version": "1.1"}
    with suppress(Exception):  # which one it is, is the server's concern
        await server.asgi({**scope, "root_path": "", "scheme": "http", "server": ("offload", 80)}, gone, refuse)
    assert open_files() == before
