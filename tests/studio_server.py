"""A studio of its own for a test, and what talks to it without a browser."""

import contextlib
import http.client
import json
import re
import threading
import time
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from websockets.sync.client import connect

from seqgen.selftest import _materials
from seqgen.studio.serving import Studio
from seqgen.studio.settings import StudioJob


class Running:
    """A studio that runs on a thread.

    Attributes:
        address: Of its page.
        port, token: The parts of it.
        studio: The studio.
    """

    def __init__(self, **job):
        self.studio = Studio(StudioJob(browser=False, **job))
        self.address = self.studio.address
        parts = urlsplit(self.address)
        self.port, self.token = parts.port, parse_qs(parts.query)["token"][0]
        self._thread = threading.Thread(target=self.studio.run, daemon=True)
        self._thread.start()

    def get(self, path, token=True, **headers):
        """Status, headers and body of an answer; `token` True: the right one as a cookie, None: none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        cookie = {"Cookie": f"seqgen-{self.port}={self.token}"} if token else {}
        try:
            connection.request("GET", path, headers={**cookie, **{k.replace("_", "-"): v for k, v in headers.items()}})
            answer = connection.getresponse()
            return answer.status, dict(answer.headers), answer.read()
        finally:
            connection.close()

    def post(self, path, data=b"", headers=(), **query):
        """Status and answer of what is sent, with the token: JSON as values, else bytes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            cookie = {"Cookie": f"seqgen-{self.port}={self.token}"}
            connection.request("POST", f"{path}?{urlencode(query)}" if query else path, data, cookie | dict(headers))
            answer = connection.getresponse()
            body = answer.read()
            return answer.status, json.loads(body) if body.startswith(b"{") else body
        finally:
            connection.close()

    @contextlib.contextmanager
    def page(self, **options):
        """A WebSocket as the page has it."""
        query = options.pop("query", f"?token={self.token}")
        origin = options.pop("origin", f"http://127.0.0.1:{self.port}")
        with connect(
            f"ws://127.0.0.1:{self.port}/talk{query}", origin=origin, compression=None, close_timeout=1, **options
        ) as socket:
            yield Page(socket)

    def close(self):
        self.studio.stop()
        self._thread.join(60)  # a run gets 20 seconds to save itself; machines that test have other work, too
        assert not self._thread.is_alive()


class Page:
    """What a page hears and says."""

    def __init__(self, socket):
        self.socket, self.heard = socket, []

    def say(self, **message):
        self.socket.send(json.dumps(message))

    def until(self, name, seconds=30):
        """The next event of a name; those before it are in `heard`."""
        end = time.monotonic() + seconds
        while True:
            event = json.loads(self.socket.recv(timeout=max(end - time.monotonic(), 0.01)))
            self.heard.append(event)
            assert flags(event) == [], event
            if event["event"] == name:
                return event
            assert event["event"] != "error" or name == "error", event


def flags(event):
    """Flags of the command line in what people are told: the page has none."""
    rows = (value for row in event.get("rows", ()) for value in row)
    told = [event.get("message", ""), event.get("hint", ""), *event.get("said", ()), *rows]
    return [flag for each in told for flag in re.findall(r"(?<![\w'\"“/.-])--?[A-Za-z][\w-]*", each)]


def until(page, expression, arg=None, seconds=120):
    """Wait until an expression of JavaScript is true in a page, whose policy forbids Playwright's own way to do so."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression, arg):
        assert time.monotonic() < end, expression
        time.sleep(0.03)


@pytest.fixture
def toy(tmp_path):
    path, made = tmp_path / "toy.safetensors", _materials.checkpoint()
    made.weights["output.bias"][made.tokenizer.document_id] = -50  # so that a text goes on as long as it may
    made.save(path)
    return str(path)


@pytest.fixture
def running(toy):
    made = Running(checkpoint=toy)
    yield made
    made.close()


@pytest.fixture
def tab(chromium):
    """A page whose console must stay without errors."""
    page = chromium.page(width=1280, height=800, accept_downloads=True)
    yield page
    assert page.problems == []
