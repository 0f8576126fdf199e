"""What the page's tests share: Chromium, a running service, and pages in which nothing may go wrong."""

from collections.abc import Callable, Iterator
from functools import cache

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.support.browser import Colours, NoChromiumError, Watch, chromium, new_context
from tests.support.running_service import api, gate, server
from tests.support.server import Server

__all__ = ["Visit", "api", "gate", "server"]


class Visit:
    """Opens pages under the eyes of a watch."""

    def __init__(self, contexts: Callable[[str], BrowserContext], browser: Browser, watch: Watch) -> None:
        self._contexts = contexts
        self._browser = browser
        self._watch = watch
        self._leave: list[Callable[[], None]] = []

    def __call__(
        self,
        server: Server,
        path: str = "/",
        *,
        width: int = 1280,
        colours: Colours = "light",
        clocked: bool = False,
    ) -> Page:
        """A page of this service, in a tab of its own; `clocked`: `page.clock` is its time."""
        url = str(server.api.http.base_url)
        context = new_context(self._browser, url) if clocked else self._contexts(url)
        if clocked:
            context.clock.install()
        page = context.new_page()
        self._leave.append(context.close if clocked else page.close)
        self._watch.follow(page, url)
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=colours)
        page.goto(path)
        return page

    def leave(self) -> None:
        """Closes all of them."""
        while self._leave:
            self._leave.pop()()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for all tests of a file."""
    try:
        with chromium() as browser:
            yield browser
    except NoChromiumError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


@pytest.fixture(scope="module")
def contexts(browser: Browser) -> Callable[[str], BrowserContext]:
    """For each service one, for all tests of a file: what it has cached is not loaded again for each test.

    Nothing of a page is kept in it but the theme.
    """
    return cache(lambda url: new_context(browser, url))


@pytest.fixture
def watch() -> Iterator[Watch]:
    """What is noted of every page of this test. Fails the test where anything went wrong that it did not allow."""
    watch = Watch()
    yield watch
    assert watch.faults == []


@pytest.fixture
def visit(contexts: Callable[[str], BrowserContext], browser: Browser, watch: Watch) -> Iterator[Visit]:
    """Opens pages for this test. To be left before a service of the test's own is stopped."""
    visit = Visit(contexts, browser, watch)
    yield visit
    visit.leave()


@pytest.fixture
def page(visit: Visit, server: Server) -> Page:
    """The page of the running service, as it is first seen."""
    return visit(server)
