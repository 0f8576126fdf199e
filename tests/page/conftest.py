"""What the page's tests share: Chromium, a running service, and pages in which nothing may go wrong."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.support.browser import Colours, NoChromiumError, Watch, chromium, new_context
from tests.support.caller import Caller
from tests.support.server import Server


class Visit:
    """Opens pages, each in a context of its own, under the eyes of a watch."""

    def __init__(self, browser: Browser, watch: Watch) -> None:
        self._browser = browser
        self._watch = watch
        self._contexts: list[BrowserContext] = []

    def __call__(
        self,
        server: Server,
        path: str = "/",
        *,
        width: int = 1280,
        colours: Colours = "light",
        clocked: bool = False,
    ) -> Page:
        """A page of this service, shown to somebody who has never been there; `clocked`: `page.clock` is its time."""
        url = str(server.api.http.base_url)
        context = new_context(self._browser, url, width=width, colours=colours)
        self._contexts.append(context)
        self._watch.follow(context, url)
        page = context.new_page()
        if clocked:
            page.clock.install()
        page.goto(path)
        return page

    def leave(self) -> None:
        """Closes all of them."""
        while self._contexts:
            self._contexts.pop().close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for all tests of a file."""
    try:
        with chromium() as browser:
            yield browser
    except NoChromiumError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running service of two lanes for all tests of a file, which must leave nothing running or queued."""
    with Server(tmp_path_factory.mktemp("service")) as server:
        yield server


@pytest.fixture(scope="module")
def api(server: Server) -> Caller:
    """A client of that service."""
    return server.api


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Path]:
    """Where a job of `hold` or `count` waits for a file. It appears at the end, however the test ends."""
    gate = tmp_path / "gate"
    yield gate
    gate.touch()


@pytest.fixture
def watch() -> Iterator[Watch]:
    """What is noted of every page of this test. Fails the test where anything went wrong that it did not allow."""
    watch = Watch()
    yield watch
    assert watch.faults == []


@pytest.fixture
def visit(browser: Browser, watch: Watch) -> Iterator[Visit]:
    """Opens pages for this test. To be left before a service of the test's own is stopped."""
    visit = Visit(browser, watch)
    yield visit
    visit.leave()


@pytest.fixture
def page(visit: Visit, server: Server) -> Page:
    """The page of the running service, as it is first seen."""
    return visit(server)
