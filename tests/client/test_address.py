"""The address of the service and the key, from arguments and from the environment."""

from pathlib import Path

import pytest

from offload.client import Client, RefusedError
from tests.support.server import Server

KEY = "alice-0123456789abcdefgh"


@pytest.mark.parametrize(
    "url",
    [
        *("localhost:8000", "ftp://x", "http://", "", " ", "http://x:port", "http://x:65536"),
        *("http://a..b", f"http://{'a' * 64}.org", "http://x/?y=1", "http://x/#y"),
    ],
)
def test_what_is_not_an_address_is_rejected_immediately(url: str) -> None:
    with pytest.raises(ValueError, match="is not the address of a service"):
        Client(url)


def test_a_key_may_have_no_line_end() -> None:
    with pytest.raises(ValueError, match="key"):
        Client(api_key="a\nb")


def test_a_password_in_the_url_does_not_replace_the_key(tmp_path: Path) -> None:
    with Server(tmp_path, api_keys=f"alice:{KEY}") as server:
        url = server.url.replace("http://", "http://user:password@")
        with Client(url, KEY) as alice:
            assert alice.submit("fibonacci", {"n": 1}).owner == "alice"


def test_the_environment_sets_the_address_and_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(tmp_path, api_keys=f"alice:{KEY}") as server:
        monkeypatch.setenv("OFFLOAD_URL", f"{server.url}/")
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        with Client() as anonymous, pytest.raises(RefusedError, match="Send an API key") as raised:
            anonymous.stats()
        assert raised.value.status == 401
        monkeypatch.setenv("OFFLOAD_API_KEY", KEY)
        with Client() as alice:
            assert alice.submit("fibonacci", {"n": 1}).owner == "alice"
