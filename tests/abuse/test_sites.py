"""What a page of another site, or a name that leads here, can make a browser do; and what every answer tells it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.caller import Caller, answer
from tests.support.keys import ALICE, ENTRIES
from tests.support.server import Server
from tests.support.wire import exchange, only, request

EVIL = "evil.example"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": f"https://{EVIL}", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"},
        {"Origin": f"https://{EVIL}"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
    ],
    ids=str,
)
def test_a_page_of_another_site_can_start_stop_and_send_nothing(api: Caller, headers: dict[str, str]) -> None:
    job = api.submit("greet", {"name": "you"})["id"]
    for method, path in (
        ("POST", "/jobs/greet"),
        ("POST", f"/jobs/{job}/cancel"),
        ("DELETE", f"/jobs/{job}"),
        ("POST", "/uploads"),
        ("POST", "/jobs/file-digest/upload"),
    ):
        response = api.http.request(method, path, content=b'{"name": "you"}', headers=headers)
        assert answer(response, 403)["type"] == "/problems/cross-site-refused", path


@pytest.mark.parametrize(
    "host", [EVIL, f"{EVIL}:8000", f"{EVIL}.", "127.0.0.1.nip.io", "localhost.evil.example", "[::1"]
)
def test_a_name_that_was_made_to_lead_here_reads_nothing(server: Server, host: str) -> None:
    """DNS rebinding: for the browser, the page and the service are then the same origin."""
    for line in ("GET /jobs", "POST /jobs/greet", "GET /stats", "GET /events"):
        told = only(exchange(server, request(line, "Sec-Fetch-Site: same-origin", "Connection: close", host=host)))
        assert (told.status, told.kind) == (403, "cross-site-refused"), line


@pytest.mark.parametrize(
    "host", ["localhost:8000", "127.0.0.1", "[::1]:8000", "offload", "LOCALHOST", "a.localhost", "nas.local"]
)
def test_honest_names_are_let_in(server: Server, host: str) -> None:
    told = only(exchange(server, request("GET /jobs", "Connection: close", host=host)))
    assert told.status == 200


@pytest.mark.parametrize(
    "headers",
    [{}, {"Sec-Fetch-Site": "none"}, {"Sec-Fetch-Site": "same-origin", "Origin": "http://elsewhere"}],
    ids=["a script", "a person", "Swagger UI"],
)
def test_honest_submissions_are_let_in(api: Caller, headers: dict[str, str]) -> None:
    answer(api.http.post("/jobs/greet", json={"name": "you"}, headers=headers), 202)
    own = str(api.http.base_url).rstrip("/")
    answer(api.http.post("/jobs/greet", json={"name": "you"}, headers={"Origin": own}), 202)


def test_nothing_that_is_answered_is_made_of_what_a_client_says_of_itself(server: Server, api: Caller) -> None:
    job = api.succeeded(api.submit("greet", {"name": "you"})["id"])["id"]
    says = [
        f"X-Forwarded-Host: {EVIL}",
        f"X-Forwarded-For: {EVIL}",
        f"X-Forwarded-Proto: {EVIL}",
        f"Forwarded: host={EVIL}",
        f"X-Original-URL: /{EVIL}",
        f"X-HTTP-Method-Override: {EVIL}",
        f"Referer: https://{EVIL}/",
        "Connection: close",
    ]
    body = b'{"name": "you"}'
    submit = [*says, "Content-Type: application/json", f"Content-Length: {len(body)}"]
    told = only(exchange(server, request("POST /jobs/greet", *submit, body=body, host="evil")))
    assert told.status == 202
    assert told.headers["location"] == told.json["links"]["self"] == f"/jobs/{told.json['id']}"
    for path in (
        "/",
        "/docs",
        "/docs/",
        "/docs/swagger-ui",
        "/openapi.json",
        "/problems",
        "/nothing",
        f"/jobs/{job}",
        "/tasks/",
    ):
        for line in (f"GET {path}", f"GET http://evil{path}"):
            raw = exchange(server, request(line, *says, host="evil"))
            assert b"evil" not in raw.lower(), (line, raw[:500])


SAFE = {
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
}


@pytest.mark.parametrize(
    "path",
    ["/docs", "/docs/swagger-ui/swagger-ui.css", "/problems", "/", "/jobs", "/nothing", "/health/live", "/jobs/x"],
)
def test_every_answer_keeps_other_sites_away(api: Caller, path: str) -> None:
    response = api.http.get(path)
    policy = response.headers["content-security-policy"]
    assert {name: response.headers[name] for name in SAFE} == SAFE
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "server" not in response.headers
    assert "access-control-allow-origin" not in response.headers


def test_what_is_no_request_is_answered_as_safely(server: Server) -> None:
    told = only(exchange(server, b"\x00\r\n\r\n"))
    assert {name: told.headers[name] for name in SAFE} == SAFE


@pytest.fixture
def keyed(tmp_path: Path) -> Iterator[Server]:
    """A service with keys."""
    with Server(tmp_path, api_keys=ENTRIES) as server:
        yield server


def test_with_keys_no_page_knows_one_and_proxies_may_use_any_name(keyed: Server) -> None:
    headers = [f"Authorization: Bearer {ALICE}", f"Origin: https://{EVIL}", "Connection: close"]
    assert only(exchange(keyed, request("GET /jobs", *headers, host=EVIL))).status == 200
    for _ in range(50):
        assert only(exchange(keyed, request("GET /jobs\x1b[2J", "X-API-Key: wrong-key", host=EVIL))).status in {
            400,
            401,
        }
    refused = [line for line in keyed.stderr.splitlines() if "request refused" in line]
    assert len(refused) <= 2, "they fill no log"
    told = only(exchange(keyed, request("GET /jobs/%0d%0a%1b[31m", "X-API-Key: wrong-key", "Connection: close")))
    assert told.status == 401
    assert "wrong-key" not in keyed.stderr
