"""A WebSocket for pages and programs: controls in and events out, as JSON in the words of `generate --events`.

In: an object of controls, as in a line of `--follow`, or {"note": [pitch, velocity, seconds]}. Out: {"event": "note",
"pitch", "velocity", "seconds", "channel", "program", "beat"}, and "line", "beat", "state", "control", "error".

A page of another origin than this machine's is turned away, and so is a request to another host, so that no site can
reach in through a browser. Pages opened as files have no origin of their own; they need the token.
"""

import contextlib
import json
import logging
import queue
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import WebSocketException
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from seqgen.api.control import read_line
from seqgen.errors import UsageError
from seqgen.live import controls
from seqgen.live.doors import LOOPBACK, MOST_BYTES, Budget, bound, check_host, name_of, same
from seqgen.live.output import Out

MOST_CLIENTS = 16
WAITING = 512  # events that a client may be behind before it loses some
Take = Callable[[dict[str, Any]], object]
Play = Callable[[int, int, float], object]


class WebSocketDoor:
    """The door.

    Args:
        port, host: Where it listens.
        take: Takes controls with checked values.
        play: Takes the pitch, velocity and seconds of a note that is played in.
        token: What others than this machine's pages have to know, as ?token= in the address.
        origins: Further origins of pages that may come in, such as https://editor.p5js.org.

    Raises:
        UsageError: It cannot listen there.
    """

    lead = 0.0

    def __init__(
        self,
        port: int,
        take: Take,
        play: Play,
        host: str = "127.0.0.1",
        token: str | None = None,
        origins: Sequence[str] = (),
    ) -> None:
        check_host(host, token)
        self._take, self._play, self._token, self._origins = take, play, token, set(origins)
        self.budget = Budget()
        self._clients: dict[int, queue.Queue[str | None]] = {}
        self._lock = threading.Lock()
        made = bound(socket.SOCK_STREAM, host, port, "WebSocket")
        made.listen(MOST_CLIENTS)
        self.port = int(made.getsockname()[1])
        quiet = logging.getLogger("seqgen.live.websocket")
        quiet.disabled = True
        self._server = serve(
            self._serve, sock=made, process_request=self._admit, max_size=MOST_BYTES, max_queue=16, compression=None,
            logger=quiet, open_timeout=5, close_timeout=1,
        )  # fmt: skip
        threading.Thread(target=self._server.serve_forever, name="websocket", daemon=True).start()

    @property
    def clients(self) -> int:
        """How many are connected."""
        return len(self._clients)

    @property
    def said(self) -> str:
        """What it is, in some words."""
        return f"WebSocket {self.port} ({self.clients} connected)"

    def note(self, note: Out) -> None:
        """A note goes out to all."""
        self.tell(
            {
                "event": "note", "pitch": note.pitch, "velocity": note.velocity, "seconds": round(note.seconds, 4),
                "channel": note.channel + 1, "program": note.program, "beat": round(note.beat, 4),
            }
        )  # fmt: skip

    def tell(self, event: Mapping[str, Any]) -> None:
        """An event goes out to all; who is far behind loses it."""
        if not self._clients:
            return
        text = json.dumps(event)
        with self._lock:
            for waiting in self._clients.values():
                with contextlib.suppress(queue.Full):
                    waiting.put_nowait(text)

    def close(self) -> None:
        """Listen no more."""
        with self._lock:
            for waiting in self._clients.values():
                with contextlib.suppress(queue.Full):
                    waiting.put_nowait(None)
        threading.Thread(target=self._server.shutdown, daemon=True).start()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """None where the request may come in."""
        reason = self._refusal(request)
        if reason is None:
            return None
        self.budget.refused[reason] += 1
        return connection.respond(HTTPStatus.FORBIDDEN, f"{reason}\n")

    def _refusal(self, request: Request) -> str | None:
        given = parse_qs(urlsplit(request.path).query).get("token", [""])[0]
        known = self._token is not None and same(given, self._token)
        hosts = request.headers.get_all("Host")
        if len(hosts) != 1 or not (name_of(hosts[0]) in LOOPBACK or known):
            return "host"
        origins = request.headers.get_all("Origin")
        if len(origins) > 1:
            return "origin"
        if origins and not known:
            parts = urlsplit(origins[0])
            near = parts.scheme in ("http", "https") and parts.hostname in LOOPBACK
            if not near and origins[0] not in self._origins:
                return "origin"
        if self._token is not None and not known:
            return "token"
        return "too many clients" if len(self._clients) >= MOST_CLIENTS else None

    def _serve(self, connection: ServerConnection) -> None:
        waiting: queue.Queue[str | None] = queue.Queue(WAITING)
        with self._lock:
            self._clients[id(connection)] = waiting
        writer = threading.Thread(target=self._write, args=(connection, waiting), daemon=True)
        writer.start()
        try:
            for text in connection:
                if self.budget.allows():
                    self._hear(text, waiting)
        except (WebSocketException, OSError, UnicodeDecodeError):
            self.budget.refused["connection"] += 1
        finally:
            with self._lock:
                self._clients.pop(id(connection), None)
            with contextlib.suppress(queue.Full):
                waiting.put_nowait(None)

    def _hear(self, text: str | bytes, waiting: "queue.Queue[str | None]") -> None:
        try:
            given = read_line(text.encode("utf-8", "replace") if isinstance(text, str) else text)
            note = given.pop("note", None)
            if note is not None:
                self._play(*_note(note))
            if given:
                self._take(controls.checked(given))
            self.budget.taken += 1
        except UsageError as error:
            self.budget.refused["value"] += 1
            said = json.dumps({"event": "error", "message": error.message[:300], "hint": error.hint[:600]})
            with contextlib.suppress(queue.Full):
                waiting.put_nowait(said)

    @staticmethod
    def _write(connection: ServerConnection, waiting: "queue.Queue[str | None]") -> None:
        with contextlib.suppress(WebSocketException, OSError):
            while (text := waiting.get()) is not None:
                connection.send(text)
            connection.close()


def _note(value: Any) -> tuple[int, int, float]:
    """Pitch, velocity and seconds.

    Raises:
        UsageError: They are none.
    """
    numbers = isinstance(value, list) and 2 <= len(value) <= 3 and all(_number(each) for each in value)
    pitch, velocity, seconds = (*value, 0.5)[:3] if numbers else (-1, 0, 0.0)
    if not (0 <= pitch < 128 and 0 <= velocity < 128 and 0 < seconds <= 60):
        raise UsageError(f"note is {controls.shown(value)}, expected [pitch, velocity, seconds]")
    return int(pitch), int(velocity), float(seconds)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -1000 < value < 1000
