"""Fixtures of the page's tests: Chromium, a running service, and pages whose faults fail the test."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Protocol

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.support.browser import Colours, NoChromiumError, Watch, chromium, new_context
from tests.support.running_service import api, gate, server
from tests.support.server import Server

__all__ = ["Visit", "api", "gate", "server"]


class HasUrl(Protocol):
    """A service, or a proxy in front of one."""

    @property
    def url(self) -> str: ...


class Visit:
    """Opens pages that a watch follows."""

    def __init__(self, contexts: Callable[[str], BrowserContext], browser: Browser, watch: Watch) -> None:
        self._contexts = contexts
        self._browser = browser
        self._watch = watch
        self._closers: list[Callable[[], None]] = []

    def __call__(
        self,
        service: HasUrl,
        path: str = "/",
        *,
        width: int = 1280,
        colours: Colours = "light",
        clocked: bool = False,
    ) -> Page:
        """Opens a page of this service in a new tab. With `clocked`, its time is `page.clock`."""
        url = service.url
        context = new_context(self._browser, url) if clocked else self._contexts(url)
        if clocked:
            context.clock.install()
        page = context.new_page()
        self._closers.append(context.close if clocked else page.close)
        self._watch.follow(page, url)
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=colours)
        page.goto(path)
        return page

    def close(self) -> None:
        """Closes all pages. Call it before a service or proxy of the test's own is stopped."""
        while self._closers:
            self._closers.pop()()


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
    """One browser context for each service, shared by all tests of a file so that its cache is reused.

    The page stores nothing in it except the theme.
    """
    return cache(lambda url: new_context(browser, url))


@pytest.fixture
def watch() -> Iterator[Watch]:
    """The watch of this test's pages. The test fails after any fault that it has not allowed."""
    watch = Watch()
    yield watch
    assert watch.faults == []


@pytest.fixture
def visit(contexts: Callable[[str], BrowserContext], browser: Browser, watch: Watch) -> Iterator[Visit]:
    """Opens pages and closes them after the test."""
    visit = Visit(contexts, browser, watch)
    yield visit
    visit.close()


@pytest.fixture
def page(visit: Visit, server: Server) -> Page:
    """The page of the running service, at `/`."""
    return visit(server)
