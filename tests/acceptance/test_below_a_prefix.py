"""The service below a path: behind a proxy that strips it, by `--root-path` or by `X-Forwarded-Prefix`."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.caller import Caller, Json, answer
from tests.support.server import DidNotStartError, Server


def forwarded(prefix: str) -> dict[str, str]:
    return {"X-Forwarded-Prefix": prefix}


def addresses(value: object) -> Iterator[str]:
    """Yields every string of a JSON value that is the path of something."""
    if isinstance(value, dict):
        for member in value.values():
            yield from addresses(member)
    elif isinstance(value, list):
        for member in value:
            yield from addresses(member)
    elif isinstance(value, str) and value.startswith("/"):
        yield value


def check_everything(http: httpx.Client, prefix: str, *, sent_to: str = "") -> None:
    """Calls the API at `sent_to` + path, and checks that every address in its responses is below `prefix`."""
    response = http.post(f"{sent_to}/jobs/fibonacci", json={"n": 10})
    job = answer(response, 202)
    assert response.headers["location"] == f"{prefix}/jobs/{job['id']}"
    finished = answer(http.get(f"{sent_to}/jobs/{job['id']}", params={"wait": 30}), 200)
    assert finished["links"]["result"] == f"{prefix}/jobs/{job['id']}/result"
    failed = answer(http.post(f"{sent_to}/jobs/refuse", json={"text": "no"}, headers={"Prefer": "wait=30"}), 200)
    batch = answer(http.post(f"{sent_to}/batches", json={"jobs": [{"task": "fibonacci", "params": {"n": 1}}]}), 202)
    listed = answer(http.get(f"{sent_to}/jobs"), 200)
    unknown = answer(http.get(f"{sent_to}/jobs/none"), 404)
    nothing = answer(http.get(f"{sent_to}/nothing"), 404)
    events = http.get(f"{sent_to}/jobs/{job['id']}/events").text
    (sent,) = re.findall(r"^data: (.*)$", events, re.MULTILINE)
    for shown in (job, finished, failed, batch, listed, unknown, nothing, json.loads(sent)):
        found = list(addresses(shown))
        assert found
        assert [each for each in found if not each.startswith(f"{prefix}/")] == []
    assert answer(http.get(f"{sent_to}/openapi.json"), 200)["servers"] == [{"url": prefix}]
    assert answer(http.request("PUT", f"{sent_to}/stats"), 405)["instance"] == f"{prefix}/stats"
    for path in ("/", "/docs", "/docs/", "/problems"):
        page = http.get(f"{sent_to}{path}")
        linked = re.findall(r"""(?:href|src)="(/[^"#]*)""", page.text)
        assert linked
        for link in linked:
            assert link.startswith(f"{prefix}/")
            assert http.get(sent_to + link.removeprefix(prefix)).status_code == 200, link


@pytest.fixture(scope="module")
def below(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("service"), root_path="/team/offload") as server:
        yield server


def test_a_root_path_behind_a_proxy_that_strips_it(below: Server) -> None:
    check_everything(below.api.http, "/team/offload")


def test_a_root_path_without_a_proxy(below: Server) -> None:
    check_everything(below.api.http, "/team/offload", sent_to="/team/offload")


def test_a_trusted_proxy_names_the_prefix(api: Caller) -> None:
    with httpx.Client(base_url=api.http.base_url, headers=forwarded("/offload"), trust_env=False, timeout=30) as http:
        check_everything(http, "/offload")
    assert api.submit("fibonacci", {"n": 1})["links"]["self"].startswith("/jobs/")


def test_each_reader_of_all_events_gets_its_own_addresses(api: Caller) -> None:
    prefixes = ("", "/a", "/b")
    streams = [api.http.stream("GET", "/events", headers=forwarded(prefix)) for prefix in prefixes]
    opened = [stream.__enter__() for stream in streams]
    try:
        job = api.submit("fibonacci", {"n": 1})
        for prefix, response in zip(prefixes, opened, strict=True):
            assert event_of(response, job["id"])["links"]["self"] == f"{prefix}/jobs/{job['id']}"
    finally:
        for stream in streams:
            stream.__exit__(None, None, None)


def event_of(response: httpx.Response, job_id: str) -> Json:
    for line in response.iter_lines():
        if line.startswith("data: ") and job_id in line:
            event: Json = json.loads(line.removeprefix("data: "))
            return event
    raise AssertionError("the stream has ended")


@pytest.mark.parametrize("prefix", ["", "/", "offload", "//evil.example", "/a b", '/"><script>', "/a/", "/a\\b", "/é"])
def test_a_prefix_that_is_no_plain_path_is_ignored(api: Caller, prefix: str) -> None:
    response = api.http.post("/jobs/fibonacci", json={"n": 1}, headers=[(b"X-Forwarded-Prefix", prefix.encode())])
    assert answer(response, 202)["links"]["self"].startswith("/jobs/")
    assert response.headers["location"].startswith("/jobs/")


def test_the_prefix_of_any_other_client_is_ignored(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.environment["FORWARDED_ALLOW_IPS"] = "192.0.2.1"
    with server:
        response = server.api.http.get("/docs", headers=forwarded("/offload"))
        assert "/offload" not in response.text


def test_a_wrong_root_path_prevents_the_start(tmp_path: Path) -> None:
    with pytest.raises(
        DidNotStartError, match=r"OFFLOAD_ROOT_PATH=offload: write a path .* OFFLOAD_ROOT_PATH=/offload"
    ):
        Server(tmp_path, root_path="offload").start()
