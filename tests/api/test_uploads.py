"""`/uploads`: raw or as a form, named, digested, bounded."""

import base64
import hashlib
import json
from pathlib import Path

import pytest

from offload.api.files.receiving import display_name
from tests.support.api_server import ApiServer, api_server
from tests.support.problems import problem

pytestmark = pytest.mark.anyio

CONTENT = bytes(range(256)) * 1000


def kept(server: ApiServer) -> list[str]:
    """The names of all that lies in the spool."""
    return sorted(file.name for file in server.uploads_dir.iterdir())


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/uploads", "upload"),
        ("PUT", "/uploads", "upload"),
        ("POST", "/uploads?name=a.bin", "a.bin"),
        ("PUT", "/uploads/", "upload"),
        ("PUT", "/uploads/a.bin", "a.bin"),
        ("PUT", "/uploads/..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("PUT", "/uploads/na%C3%AFve%20file", "naïve file"),
        ("PUT", "/uploads/two%0Alines", "twolines"),
    ],
)
async def test_a_raw_body_is_kept(server: ApiServer, method: str, path: str, name: str) -> None:
    answer = await server.client.request(method, path, content=CONTENT)
    assert answer.status_code == 201, answer.text
    upload = answer.json()
    assert upload == {"id": upload["id"], "name": name, "size": len(CONTENT)}
    assert kept(server) == [upload["id"], f"{upload['id']}.json"]
    assert (server.uploads_dir / upload["id"]).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="a b.bin"', "a b.bin"),
        ("attachment; filename=a.bin", "a.bin"),
        ("attachment; filename*=UTF-8''na%C3%AFve.txt", "naïve.txt"),
        ("nonsense", "upload"),
    ],
)
async def test_the_headers_may_name_it(server: ApiServer, disposition: str, name: str) -> None:
    answer = await server.client.post("/uploads", content=b"x", headers={"Content-Disposition": disposition})
    assert answer.json()["name"] == name


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("C:\\docs\\a.txt", "a.txt"),
        ("../../a", "a"),
        ("a\x00\n\x1b[31m\u202eb", "a[31mb"),
        ("x" * 1000, "x" * 255),
        ("..", "upload"),
        ("/", "upload"),
        ("  ", "upload"),
        (None, "upload"),
    ],
)
def test_names_are_for_show(said: str | None, shown: str) -> None:
    assert display_name(said) == shown


async def test_a_form_is_kept(server: ApiServer) -> None:
    answer = await server.client.post("/uploads", files={"file": ("dir/ü.bin", CONTENT)})
    assert answer.status_code == 201, answer.text
    upload = answer.json()
    assert (upload["name"], upload["size"]) == ("ü.bin", len(CONTENT))
    assert (server.uploads_dir / upload["id"]).read_bytes() == CONTENT


async def test_an_empty_file_is_a_file(server: ApiServer) -> None:
    assert (await server.client.post("/uploads")).json()["size"] == 0
    assert (await server.client.post("/uploads", files={"file": ("e", b"")})).json()["size"] == 0


FORM = {"content-type": "multipart/form-data; boundary=b"}


def form(*parts: tuple[str, bytes]) -> bytes:
    """A form of parts with these dispositions."""
    head = b"--b\r\nContent-Disposition: form-data; "
    return b"".join(head + text.encode() + b"\r\n\r\n" + body + b"\r\n" for text, body in parts) + b"--b--\r\n"


FILE = ('name="file"; filename="f"', b"content")


@pytest.mark.parametrize(
    ("body", "status", "kind", "says"),
    [
        (form(), 422, "invalid-parameters", "Field required"),
        (form(("name=other", b"x")), 422, "invalid-parameters", "Field required"),
        (form(FILE, FILE), 422, "invalid-parameters", "one file at a time"),
        (form(FILE, ('name="x"; filename="g"', b"")), 422, "invalid-parameters", "Send the file in the field"),
        (form(FILE, ("name=other", b"x")), 422, "invalid-parameters", "Unknown field"),
        (form(FILE, ("name=other", b"\xff")), 400, "bad-request", "not UTF-8"),
        (form(FILE, ("name=other", b"x" * 65537)), 413, "body-too-large", "65536 bytes"),
        (form(("", b"x")), 400, "bad-request", "no name"),
        (form(FILE, *[("name=x", b"")] * 100), 400, "bad-request", "more than 100 parts"),
        (form(FILE)[:-4], 400, "bad-request", "before the closing boundary"),
        (form(FILE)[:-30], 400, "bad-request", "before the closing boundary"),
        (b"", 400, "bad-request", "before the closing boundary"),
        (b"garbage", 400, "bad-request", "malformed"),
        (b"--b\r\n" + b"x" * 100_000, 400, "bad-request", "malformed"),
    ],
)
async def test_a_wrong_form_keeps_nothing(server: ApiServer, body: bytes, status: int, kind: str, says: str) -> None:
    told = problem(await server.client.post("/uploads", content=body, headers=FORM), status, kind)
    assert says in told["detail"]
    assert kept(server) == []


@pytest.mark.parametrize("content_type", ["multipart/form-data", f"multipart/form-data; boundary={'b' * 300}"])
async def test_a_form_needs_a_boundary(server: ApiServer, content_type: str) -> None:
    answer = await server.client.post("/uploads", content=form(FILE), headers={"content-type": content_type})
    problem(answer, 400, "bad-request")


async def test_more_than_the_limit_keeps_nothing(tmp_path: Path) -> None:
    async with api_server(tmp_path, upload_max_mb=1) as server:
        largest = b"x" * (1 << 20)
        assert (await server.client.post("/uploads", content=largest)).status_code == 201
        assert (await server.client.post("/uploads", files={"file": ("f", largest)})).status_code == 201
        before = kept(server)
        problem(await server.client.post("/uploads", content=largest + b"x"), 413, "body-too-large")
        problem(await server.client.post("/uploads", files={"file": ("f", largest + b"x")}), 413, "body-too-large")
        assert kept(server) == before


def sha(name: str, content: bytes) -> str:
    """A member of a digest field."""
    digest = hashlib.new(name.replace("-", ""), content).digest()
    return f"{name}=:{base64.b64encode(digest).decode()}:"


@pytest.mark.parametrize("field", ["Content-Digest", "Repr-Digest"])
async def test_a_digest_is_checked(server: ApiServer, field: str) -> None:
    for value in (
        sha("sha-256", CONTENT),
        sha("sha-512", CONTENT),
        f"{sha('sha-256', CONTENT)}, {sha('sha-512', CONTENT)};a=b",
        f"md5=:AAAA:, {sha('sha-256', CONTENT)}",
        "unixsum=:AAAA:",
    ):
        assert (await server.client.post("/uploads", content=CONTENT, headers={field: value})).status_code == 201
    before = kept(server)
    for value in (sha("sha-256", b"x"), f"{sha('sha-256', CONTENT)},{sha('sha-512', b'x')}"):
        answer = await server.client.post("/uploads", content=CONTENT, headers={field: value})
        assert field in problem(answer, 422, "digest-mismatch")["detail"]
    assert kept(server) == before


async def test_the_digest_of_a_form_covers_the_form(server: ApiServer) -> None:
    body = form(FILE)
    for content, status in ((body, 201), (b"content", 422)):
        headers = FORM | {"Content-Digest": sha("sha-256", content)}
        assert (await server.client.post("/uploads", content=body, headers=headers)).status_code == status


@pytest.mark.parametrize(
    "value", ["sha-256", "sha-256=abc", "sha-256=:AAAA:", "sha-256=:A:", "sha-256=:" + "A" * 43 + ":", "=:AAAA:", ","]
)
async def test_a_malformed_digest_is_refused(server: ApiServer, value: str) -> None:
    answer = await server.client.post("/uploads", content=CONTENT, headers={"Content-Digest": value})
    assert problem(answer, 422, "invalid-parameters")["errors"][0]["loc"] == ["header", "content-digest"]
    assert kept(server) == []


async def test_an_upload_is_shown_and_forgotten(server: ApiServer) -> None:
    upload = (await server.client.put("/uploads/a", content=CONTENT)).json()
    path = f"/uploads/{upload['id']}"
    assert (await server.client.get(path)).json() == upload
    assert (await server.client.delete(path)).status_code == 204
    assert kept(server) == []
    for method in ("GET", "DELETE"):
        for gone in (path, "/uploads/nothing", "/uploads/..%2Fjournal.sqlite3"):
            problem(await server.client.request(method, gone), 404, "upload-not-found")


async def test_several_jobs_read_one_upload_which_stays_while_one_is_live(server: ApiServer) -> None:
    upload = (await server.client.post("/uploads", content=CONTENT)).json()["id"]
    jobs = [(await server.client.post("/jobs/file-digest", json={"upload": upload})).json()["id"] for _ in range(2)]
    members = [{"task": "file-digest", "params": {"upload": upload}}] * 2
    batch = (await server.client.post("/batches", json={"jobs": members})).json()
    for ended in jobs:
        problem(await server.client.delete(f"/uploads/{upload}"), 409, "job-live")
        await server.client.post(f"/jobs/{ended}/cancel")
        await server.client.delete(f"/jobs/{ended}")
    problem(await server.client.delete(f"/uploads/{upload}"), 409, "job-live")
    assert kept(server) == [upload, f"{upload}.json"], "a member of the batch reads it"
    await server.client.post(batch["links"]["cancel"])
    assert (await server.client.delete(f"/uploads/{upload}")).status_code == 204
    assert kept(server) == []


async def test_an_upload_becomes_a_job_and_goes_with_it(server: ApiServer) -> None:
    upload = (await server.client.put("/uploads/x", content=CONTENT)).json()["id"]
    job = (await server.client.post("/jobs/file-digest", json={"upload": upload})).json()
    await server.engine.end(job["id"])
    await server.client.get(f"/jobs/{job['id']}?wait=60")
    assert kept(server) != []
    await server.client.delete(f"/jobs/{job['id']}")
    assert kept(server) == []


DIGEST = "/jobs/file-digest/upload"


async def test_one_request_from_file_to_job(server: ApiServer) -> None:
    fields = {"algorithms": ["sha256,md5", "crc32"], "expected": ["crc32:00000000", '{"md5": "' + "0" * 32 + '"}']}
    answer = await server.client.post(f"{DIGEST}?label=x", files={"file": ("a", CONTENT)}, data=fields)
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert answer.headers["location"] == f"/jobs/{job['id']}"
    assert (job["task"], job["labels"]) == ("file-digest", ["x"])
    upload = job["params"].pop("upload")
    assert job["params"] == {
        "algorithms": ["sha256", "md5", "crc32"],
        "expected": {"crc32": "00000000", "md5": "0" * 32},
    }
    assert (server.uploads_dir / upload).read_bytes() == CONTENT


async def test_fields_may_come_before_the_file_and_be_empty(server: ApiServer) -> None:
    body = form(("name=algorithms", b""), ("name=expected", b" "), FILE)
    job = (await server.client.post(DIGEST, content=body, headers=FORM)).json()
    assert set(job["params"]) == {"upload"}


@pytest.mark.parametrize(
    ("field", "value", "place"),
    [
        ("algorithms", "sha25", ["body", "algorithms", 0]),
        ("algorithms", "md5,md5", ["body", "algorithms"]),
        ("expected", "md5:xyz", ["body", "expected"]),
        ("expected", "nonsense", ["body", "expected"]),
        ("expected", "{", ["body", "expected"]),
        ("expected", "{" * 100_000, ["body", "expected"]),
        ("expected", '{"md5": 1}', ["body", "expected"]),
        ("expected", "nope:00", ["body", "expected"]),
        ("expected", '{"crc32": "00000000", "crc32": "11111111"}', ["body", "expected"]),
        ("upload", "x", ["body", "upload"]),
        ("path", "x", ["body", "path"]),
    ],
)
async def test_wrong_fields_are_named_and_nothing_is_kept(
    server: ApiServer, field: str, value: str, place: list[object]
) -> None:
    answer = await server.client.post(DIGEST, files={"file": ("a", b"x")}, data={field: value})
    if len(value) > 64 * 1024:
        problem(answer, 413, "body-too-large")
    else:
        told = problem(answer, 422, "invalid-parameters")
        assert told["errors"][0]["loc"][: len(place)] == place
    assert kept(server) == []


async def test_what_is_expected_is_said_once(server: ApiServer) -> None:
    fields = {"expected": ["crc32:00000000", "crc32:11111111"]}
    answer = await server.client.post(DIGEST, files={"file": ("a", b"x")}, data=fields)
    assert "once" in problem(answer, 422, "invalid-parameters")["detail"]


async def test_an_option_may_be_given_once(server: ApiServer) -> None:
    answer = await server.client.post(f"{DIGEST}?priority=1&priority=2", files={"file": ("a", b"x")})
    assert "once" in problem(answer, 422, "invalid-parameters")["detail"]
    assert kept(server) == []


async def test_a_refused_submission_keeps_nothing(server: ApiServer) -> None:
    answer = await server.client.post(f"{DIGEST}?timeout_s=99999", files={"file": ("a", b"x")})
    assert problem(answer, 422, "invalid-parameters")["errors"][0]["loc"] == ["query", "timeout_s"]
    assert kept(server) == []


async def test_only_a_form_can_bring_a_file(server: ApiServer) -> None:
    answer = await server.client.post(DIGEST, json={"path": "x"})
    assert "-F file=@NAME" in problem(answer, 415, "unsupported-media-type")["detail"]


async def test_the_same_key_and_file_give_the_same_job(server: ApiServer) -> None:
    async def send(content: bytes, **fields: str) -> tuple[int, str | None]:
        answer = await server.client.post(
            DIGEST, files={"file": ("a", content)}, data=fields, headers={"Idempotency-Key": "k"}
        )
        return answer.status_code, json.loads(answer.content).get("id")

    status, job_id = await send(b"x", algorithms="md5")
    before = kept(server)
    assert status == 202
    assert await send(b"x", algorithms="md5") == (202, job_id)
    assert await send(b"y", algorithms="md5") == (422, None)
    assert await send(b"x", algorithms="sha1") == (422, None)
    assert kept(server) == before
