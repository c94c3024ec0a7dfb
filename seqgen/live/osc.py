"""OSC: packets of controls in, notes out. Source: Open Sound Control 1.0 (Wright 2002).

What comes in is looked at before python-osc reads it: its parser follows sizes below zero in circles, and its
dispatcher takes addresses for patterns. Here an address is one of a table, or is turned away.
"""

import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message import ParseError as MessageError

from seqgen.errors import MALFORMED, UsageError
from seqgen.live import controls
from seqgen.live.dialects import DIALECTS, ROOT, Dialect
from seqgen.live.doors import MOST_BYTES, Budget, bound, check_host
from seqgen.live.output import Out
from seqgen.registry import nearest

BUNDLE = b"#bundle\0"
MOST_MESSAGES = 64  # of a bundle; one in another is turned away
TYPES = frozenset(b"ifsdhTFN")
MOST_VALUES = 8
WAIT = 0.2  # seconds after which the thread sees that the door was closed
Take = Callable[[dict[str, Any]], object]
Play = Callable[[int, int, float], object]


def messages_of(data: bytes) -> list[OscMessage]:
    """The messages of a packet.

    Raises:
        ValueError: It is none that seqgen takes.
    """
    if len(data) > MOST_BYTES or len(data) % 4:
        raise ValueError("size")
    if not data.startswith(BUNDLE):
        return [_message(data)]
    found: list[OscMessage] = []
    at = 16
    while at < len(data):
        (size,) = struct.unpack_from(">i", data, at)
        if not 0 < size <= len(data) - at - 4 or size % 4 or len(found) >= MOST_MESSAGES:
            raise ValueError("bundle")
        found.append(_message(data[at + 4 : at + 4 + size]))
        at += 4 + size
    return found


def _message(data: bytes) -> OscMessage:
    address = data.find(b"\0")
    if not data.startswith(b"/") or address < 0:
        raise ValueError("no message")
    tags = (address // 4 + 1) * 4
    end = data.find(b"\0", tags)
    if data[tags : tags + 1] != b"," or end < 0 or end - tags - 1 > MOST_VALUES or set(data[tags + 1 : end]) - TYPES:
        raise ValueError("types")
    try:
        return OscMessage(data)
    except (MessageError, *MALFORMED, struct.error) as error:
        raise ValueError("damaged") from error


class OscDoor:
    """A door for controls, and for notes: `/seqgen/temperature 0.9`, `/seqgen/note 60 100 0.5`.

    Args:
        port, host: Where it listens.
        take: Takes controls with checked values.
        play: Takes the pitch, velocity and seconds of a note that is played in.
        token: Stands in addresses behind the root where there is one.

    Raises:
        UsageError: It cannot listen there.
    """

    def __init__(self, port: int, take: Take, play: Play, host: str = "127.0.0.1", token: str | None = None) -> None:
        check_host(host, token)
        root = ROOT if token is None else f"{ROOT}/{token}"
        self._table = {f"{root}/{name.replace('rule.', 'rule/')}": name for name in controls.names()}
        self._note = f"{root}/note"
        self._take, self._play, self.budget = take, play, Budget()
        self._socket = bound(socket.SOCK_DGRAM, host, port, "OSC")
        self.port = int(self._socket.getsockname()[1])
        self._socket.settimeout(WAIT)
        self._over = False
        self._thread = threading.Thread(target=self._run, name="osc", daemon=True)
        self._thread.start()

    @property
    def said(self) -> str:
        """What it is, in some words."""
        return f"OSC {self.port}"

    def close(self) -> None:
        """Listen no more."""
        self._over = True
        self._thread.join(5 * WAIT)
        self._socket.close()

    def hear(self, data: bytes) -> None:
        """Do what a packet asks for, or turn it away."""
        if not self.budget.allows():
            return
        try:
            for each in messages_of(data):
                self._do(each.address, each.params)
            self.budget.taken += 1
        except UsageError:
            self.budget.refused["value"] += 1
        except ValueError as error:
            self.budget.refused[str(error)] += 1

    def _do(self, address: str, values: Sequence[Any]) -> None:
        if address == self._note:
            pitch, velocity, seconds = (*values, 0.5)[:3] if len(values) >= 2 else (-1, 0, 0.0)
            numbers = all(isinstance(each, int | float) for each in (pitch, velocity, seconds))
            if not (numbers and 0 <= pitch < 128 and 0 <= velocity < 128 and 0 < seconds <= 60):
                raise ValueError("note")
            self._play(int(pitch), int(velocity), float(seconds))
            return
        name = self._table.get(address)
        if name is None:
            raise ValueError("address")
        value = values[0] if values else True
        if controls.knob(name).kind == "whole" and isinstance(value, float) and value == int(value):
            value = int(value)
        self._take(controls.checked({name: value}))

    def _run(self) -> None:
        while not self._over:
            try:
                data = self._socket.recv(MOST_BYTES + 1)
            except OSError:
                if self._over:
                    return
                continue
            try:
                self.hear(data)
            except Exception as error:  # a door stays open whatever comes
                self.budget.refused[type(error).__name__] += 1


class OscVoice:
    """Tells another program of notes.

    Args:
        host, port: Where it listens.
        dialect: How it is spoken to.
    """

    def __init__(self, host: str, port: int, dialect: Dialect) -> None:
        self.place, self._dialect = (host, port), dialect
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._epoch = time.time() - time.monotonic()
        self.sent = self.lost = 0

    @property
    def lead(self) -> float:
        """How early it wants to be told."""
        return self._dialect.lead

    def note(self, note: Out) -> None:
        """A note."""
        self._send(self._dialect.note(note, note.time + self._epoch))

    def tell(self, event: Mapping[str, Any]) -> None:
        """A line, a beat, a state."""
        name = event.get("event")
        if name == "line":
            self._send(self._dialect.line(str(event["text"])))
        elif name == "beat":
            self._send(self._dialect.event("beat", (int(event["beat"]),)))
        elif name == "state":
            self._send(self._dialect.event("state", (str(event["state"]),)))

    def close(self) -> None:
        """No more is to come."""
        self._socket.close()

    def _send(self, packets: list[bytes]) -> None:
        for packet in packets:
            try:
                self._socket.sendto(packet, self.place)
                self.sent += 1
            except OSError:  # nobody listens, or no room: the music goes on
                self.lost += 1


def voice(text: str) -> OscVoice:
    """Whom to tell: PROGRAM, PROGRAM:PORT, or HOST:PORT, also PROGRAM@HOST:PORT.

    Raises:
        UsageError: There is no such program, or the port is none.
    """
    name, _, place = text.partition("@") if "@" in text else ("", "", text)
    head, _, tail = place.rpartition(":")
    if not name and place in DIALECTS:
        name, head, tail = place, "127.0.0.1", str(DIALECTS[place].port)
    elif not name and head in DIALECTS:
        name, head = head, "127.0.0.1"
    name = name or "seqgen"
    if name not in DIALECTS:
        raise UsageError(f"no program is called {controls.shown(name)}", nearest(name, [*DIALECTS]))
    if not (head and tail.isascii() and tail.isdecimal() and len(tail) < 6 and 0 < int(tail) < 65536):
        raise UsageError(f"{controls.shown(text)} names no place", "such as sonic-pi, superdirt, or 127.0.0.1:7400")
    try:
        host = socket.getaddrinfo(head, int(tail), type=socket.SOCK_DGRAM)[0][4][0]
    except OSError as error:
        raise UsageError(f"{controls.shown(head)} is no machine that can be found ({error.strerror})") from None
    return OscVoice(str(host), int(tail), DIALECTS[name])
