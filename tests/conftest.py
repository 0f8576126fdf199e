"""What all tests have: the event loop, the marker `slow`, and a list of the tests that may be skipped."""

import signal
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.slow import SLOW

TESTS = Path(__file__).parent


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, as the service does."""
    return "asyncio"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--may-skip", type=Path, metavar="FILE", help="a skipped test fails unless FILE lists its module")


def pytest_configure() -> None:
    """Has the programs that tests start react to Ctrl-C. A shell has what it starts in the background ignore SIGINT."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the slow tests."""
    slow = [TESTS / each for each in SLOW]
    for item in items:
        if any(item.path.is_relative_to(each) for each in slow):
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turns a skip into a failure where `--may-skip` is given and its file does not list the module."""
    report = yield
    listed: Path | None = item.config.getoption("--may-skip")
    if report.skipped and listed is not None and item.nodeid.partition("::")[0] not in modules(listed):
        _, _, reason = report.longrepr if isinstance(report.longrepr, tuple) else (None, None, report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"{reason}\nA skip fails here, since {listed} does not list this module."
    return report


def modules(listed: Path) -> set[str]:
    """The first word of each line that is not a comment: the module. The rest of the line is the reason."""
    lines = listed.read_text().splitlines()
    return {line.split()[0] for line in lines if line and not line.startswith("#")}
