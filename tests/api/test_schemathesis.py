"""Schemathesis against a real connection: the document is true of what it describes."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.jobs.model import Assignment, Done, Outcome, Progress
from tests.support.front_desk import served
from tests.support.scripted_engine import USAGE, ScriptedEngine

pytestmark = pytest.mark.anyio

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,unsupported_method"
)
"""Not whether all that the schema allows is accepted: a key used twice and a file that isn't there are 422 too."""


DIGESTED = b'{"name":"hello.txt","size":5,"digests":{"sha256":"00"},"verified":true}'


class InstantEngine(ScriptedEngine):
    """Ends every attempt at once, so that nobody waits for a job in vain."""

    async def run(self, assignment: Assignment, report: Callable[[Progress], None]) -> Outcome:
        del report
        result = DIGESTED if assignment.task == "file-digest" else b"1"
        return Done(result=result, result_bytes=len(result), usage=USAGE)


async def test_the_document_is_true(tmp_path: Path) -> None:
    async with served(tmp_path, engine=InstantEngine()) as (desk, port):
        (desk.files_dir / "hello.txt").write_bytes(b"hello")
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("schemathesis"),
            "run",
            f"http://127.0.0.1:{port}/openapi.json",
            *("--seed", "1", "--max-examples", "10", "--checks", CHECKS, "--no-color"),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(120):
                said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        assert process.returncode == 0, said.decode()
        assert b"passed" in said
