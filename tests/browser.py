"""A real browser for tests: Chromium, driven by Playwright. Without either, tests that want one are skipped.

from browser import chromium  # noqa: F401

def test_a_page(chromium):
    page = chromium.page(width=390, dark=True)
    …
    assert page.problems == []
"""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

NAMES = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome")
QUIETLY = ("--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync")
PATIENCE = 120_000  # ms: machines that test have other work, too


class Page:
    """A page of its own, with what went wrong in it.

    Attributes:
        page: Playwright's.
        problems: Errors of its console, and errors that nobody caught.
        requests: The addresses that it asked for besides its own; data that it holds itself are left out.
    """

    def __init__(self, page: Any) -> None:
        self.page, self.problems, self.requests = page, list[str](), list[str]()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: self._hear(message))
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", lambda request: self._asked(request))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.page, name)

    def _hear(self, message: Any) -> None:
        if message.type == "error":
            self.problems.append(message.text)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith(("blob:", "data:")) and not request.is_navigation_request():
            self.requests.append(request.url)


class Browser:
    """The browser; each page has a context of its own."""

    def __init__(self, browser: Any) -> None:
        self.browser, self.contexts = browser, list[Any]()

    def page(self, width: int = 1200, height: int = 900, dark: bool = False, **more: Any) -> Page:
        """A new page, in which sound needs no click."""
        scheme = "dark" if dark else "light"
        context = self.browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **more)
        self.contexts.append(context)
        return Page(context.new_page())

    def close(self) -> None:
        """Close all pages."""
        while self.contexts:
            self.contexts.pop().close()


def executable() -> str | None:
    """The path of a browser that is installed."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


RUNNING: list[Browser] = []  # the one browser: each file that imports the fixture has one of its own


@pytest.fixture(scope="session")
def _started() -> Iterator[Browser]:
    if RUNNING:
        yield RUNNING[0]
        return
    path = executable()
    if path is None:
        pytest.skip("no Chromium is installed (apt install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (extra dev)")
    root = ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
    arguments = [*QUIETLY, *root, "--autoplay-policy=no-user-gesture-required"]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=arguments, timeout=PATIENCE)
        RUNNING.append(Browser(browser))
        yield RUNNING[0]
        RUNNING.clear()
        browser.close()


@pytest.fixture
def chromium(_started: Browser) -> Iterator[Browser]:
    """The browser, started once for all tests."""
    yield _started
    _started.close()
