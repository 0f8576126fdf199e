"""Chromium from the system, and a watch that records everything that goes wrong in a page."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

WITHIN_MS = 20_000
"""The time limit for an expected change of the page. It usually takes milliseconds; a busy machine needs more."""

NAMES = ("chromium", "chromium-browser", "google-chrome")

Colours = Literal["light", "dark"]


class NoChromiumError(AssertionError):
    """The page's tests need Chromium, which is not installed. On Debian: apt install chromium"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Starts a headless browser. Raises `NoChromiumError`.

    Playwright keeps an event loop running in this thread, so no async test can run at the same time.
    """
    if (found := next(filter(None, map(shutil.which, NAMES)), None)) is None:
        raise NoChromiumError(NoChromiumError.__doc__)
    expect.set_options(timeout=WITHIN_MS)
    with sync_playwright() as playwright:
        # Chromium's sandbox does not work for root.
        browser = playwright.chromium.launch(executable_path=found, chromium_sandbox=os.geteuid() != 0)
        try:
            yield browser
        finally:
            browser.close()


def new_context(browser: Browser, url: str) -> BrowserContext:
    """Returns an empty browser context in which relative addresses are relative to `url`."""
    context = browser.new_context(
        base_url=url,
        locale="en-GB",
        timezone_id="Europe/Berlin",
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(WITHIN_MS)
    return context


class Watch:
    """Records every fault and every request of a page.

    A fault is an error or warning in the console (the browser reports responses with status 400 or above and violations
    of the Content-Security-Policy there), an uncaught exception, a request that failed, or a request to another host.
    """

    def __init__(self) -> None:
        self.requests: list[str] = []
        """Method, path and query of each request, in order."""
        self._faults: list[str] = []
        self._allowed: list[re.Pattern[str]] = []

    def follow(self, page: Page, url: str) -> None:
        """Records what happens in this page of the service at `url`, and in the pages that it opens."""
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
            if request.failure != "net::ERR_ABORTED":  # the page itself has ended the request, such as a stream
                self._faults.append(f"failed: {request.url}: {request.failure}")

        page.on("console", console)
        page.on("pageerror", lambda error: self._faults.append(f"exception: {error}"))
        page.on("request", request)
        page.on("requestfailed", failed)
        page.on("crash", lambda _: self._faults.append(f"crashed: {page.url}"))
        page.on("popup", lambda opened: self.follow(opened, url))

    def allow(self, pattern: str) -> None:
        """Allows faults whose text matches, also those that have been recorded already."""
        self._allowed.append(re.compile(pattern))

    def allow_connection_errors(self) -> None:
        """Allows every error that Chromium reports for a lost connection. Which one it is depends on the moment."""
        errors = (
            "CONNECTION_REFUSED",
            "CONNECTION_RESET",
            "CONTENT_LENGTH_MISMATCH",
            "EMPTY_RESPONSE",
            "INCOMPLETE_CHUNKED_ENCODING",
            "SOCKET_NOT_CONNECTED",
        )
        self.allow(rf"net::ERR_({'|'.join(errors)})\b")

    @property
    def faults(self) -> list[str]:
        """The faults that have not been allowed."""
        return [fault for fault in self._faults if not any(allowed.search(fault) for allowed in self._allowed)]
