"""Real Chromium, Debian's, and a watch over everything that goes wrong in a page."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

WITHIN_MS = 20_000
"""How long the page may take to show what is expected, on a busy machine: milliseconds are usual."""

NAMES = ("chromium", "chromium-browser", "google-chrome")

Colours = Literal["light", "dark"]


class NoChromiumError(AssertionError):
    """The page is tested in Chromium, which is not here. On Debian: apt install chromium"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window. Raises `NoChromiumError`.

    Playwright keeps an event loop as current in its thread, so no async test can run meanwhile.
    """
    if (found := next(filter(None, map(shutil.which, NAMES)), None)) is None:
        raise NoChromiumError(NoChromiumError.__doc__)
    expect.set_options(timeout=WITHIN_MS)
    with sync_playwright() as playwright:
        # Chromium's own sandbox refuses to work for root.
        browser = playwright.chromium.launch(executable_path=found, chromium_sandbox=os.geteuid() != 0)
        try:
            yield browser
        finally:
            browser.close()


def new_context(browser: Browser, url: str) -> BrowserContext:
    """A browser without a past, in which relative addresses are those of the service at `url`."""
    context = browser.new_context(
        base_url=url,
        locale="en-GB",
        timezone_id="Europe/Berlin",
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(WITHIN_MS)
    return context


class Watch:
    """Notes every fault of a page, and every request that it makes.

    A fault is an error or a warning in the console (the browser tells violations of the Content-Security-Policy
    there, and answers ≥ 400), an exception that nobody caught, a request that failed or went to another host than the
    service's.
    """

    def __init__(self) -> None:
        self.requests: list[str] = []
        """Method and path with query of each request, in their order."""
        self._faults: list[str] = []
        self._allowed: list[re.Pattern[str]] = []

    def follow(self, page: Page, url: str) -> None:
        """Begins to note what happens in this page, whose service is at `url`, and in those that it opens."""
        here = urlsplit(url).netloc

        def console(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"}:
                self._faults.append(f"console: {message.text} ({message.location.get('url')})")

        def request(request: Request) -> None:
            to = urlsplit(request.url)
            self.requests.append(f"{request.method} {to.path}{'?' + to.query if to.query else ''}")
            if to.scheme not in {"blob", "data"} and to.netloc != here:
                self._faults.append(f"another host: {request.url}")

        def failed(request: Request) -> None:
            if request.failure != "net::ERR_ABORTED":  # the page has let go of it itself, as of a stream
                self._faults.append(f"failed: {request.url}: {request.failure}")

        page.on("console", console)
        page.on("pageerror", lambda error: self._faults.append(f"exception: {error}"))
        page.on("request", request)
        page.on("requestfailed", failed)
        page.on("crash", lambda _: self._faults.append(f"crashed: {page.url}"))
        page.on("popup", lambda opened: self.follow(opened, url))

    def allow(self, pattern: str) -> None:
        """From now on, and for what has been noted: faults in whose text this can be found are none."""
        self._allowed.append(re.compile(pattern))

    def allow_losses(self) -> None:
        """The service will be killed: whatever Chromium says then, which depends on the moment, is no fault."""
        words = "CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING|SOCKET_NOT_CONNECTED"
        self.allow(rf"net::ERR_({words})\b")

    @property
    def faults(self) -> list[str]:
        """What went wrong and had not been allowed."""
        return [fault for fault in self._faults if not any(allowed.search(fault) for allowed in self._allowed)]
