"""The page's files: complete, from here alone, and never of two versions at once."""

import re
from pathlib import Path

import pytest

from offload.api.operations.page import PAGE, version
from tests.support.api_server import ApiServer
from tests.support.problems import problem

pytestmark = pytest.mark.anyio

SCRIPTS = sorted(PAGE.rglob("*.js"))


async def test_whatever_the_page_names_is_there_for_ever(server: ApiServer) -> None:
    page = await server.client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    named = set(re.findall(r'(?:src|href)="(/page/[^"]+)"', page.text))
    assert len(named) >= len(SCRIPTS)
    for link in named:
        assert link.startswith(f"/page/{version()}/")
        file = await server.client.get(link)
        assert file.status_code == 200, link
        assert file.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_nothing_is_inline(server: ApiServer) -> None:
    text = (await server.client.get("/")).text
    assert "<style" not in text
    assert re.findall(r"<script(?![^>]*\bsrc=)", text) == []
    assert re.findall(r"\s(?:style|on\w+)=", text) == []


async def test_files_of_another_version_are_not_there(server: ApiServer) -> None:
    problem(await server.client.get("/page/0123456789abcdef/main.js"), 404, "not-found")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(PAGE)))
def test_a_script_imports_only_existing_modules_of_the_page(script: Path) -> None:
    text = script.read_text()
    imported = re.findall(r'^(?:import|export|\}) .*\bfrom "([^"]+)"', text, re.MULTILINE)
    for name in imported:
        assert name.startswith(("./", "../")), name
        module = (script.parent / name).resolve()
        assert module.is_relative_to(PAGE.resolve()), name
        assert module.is_file(), name
