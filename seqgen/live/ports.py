"""MIDI ports, whichever library has them: bytes out, bytes with a time in. Names are matched by a part of them.

`seqgen.live.backends` finds a library that has some.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from seqgen.errors import UsageError
from seqgen.live.messages import Heard, sound
from seqgen.registry import nearest

Hear = Callable[[bytes], object]
CLOSING = 1.0  # seconds that a port may take to close; rtmidi can hang there


class Port(Protocol):
    """An open port."""

    def send(self, data: bytes) -> None:
        """Send a message. Raises OSError, RuntimeError or ValueError where the port is gone. Of an input: nothing."""
        ...

    def close(self) -> None:
        """Let it go."""
        ...


class Backend(Protocol):
    """A library that has ports."""

    @property
    def name(self) -> str: ...

    @property
    def virtual(self) -> bool:
        """Whether ports of our own can be made, which other programs see."""
        ...

    def inputs(self) -> Sequence[str]:
        """The names of what can be listened to."""
        ...

    def outputs(self) -> Sequence[str]:
        """The names of what can be played to."""
        ...

    def open_input(self, name: str, hear: Hear, virtual: bool) -> Port:
        """Listen; `hear` is called from any thread. Raises OSError where that cannot be."""
        ...

    def open_output(self, name: str, virtual: bool) -> Port:
        """Play. Raises OSError where that cannot be."""
        ...


def matched(wanted: str, names: Sequence[str], kind: str) -> str:
    """The one of the names that is wanted, or holds what is wanted.

    Raises:
        UsageError: There is none, or there are several.
    """
    if wanted in names:
        return wanted
    found = [name for name in names if wanted.lower() in name.lower()]
    if len(found) == 1:
        return found[0]
    if not names:
        raise UsageError(f"there is no MIDI {kind} on this machine", "make one with --virtual, or connect a device")
    if not found:
        raise UsageError(f"no MIDI {kind} is called {wanted!r}", nearest(wanted, names))
    raise UsageError(f"several MIDI {kind}s are called {wanted!r}: {', '.join(found)}", "give more of the name")


class Input:
    """An input that comes back when it was unplugged.

    Args:
        backend: Where it is.
        name: Its full name, or of a virtual one its own.
        hear: Takes each message with the time at which it came.
        virtual: Whether it is to be made.

    Attributes:
        odd: What came in that was no message.
    """

    kind = "input"

    def __init__(self, backend: Backend, name: str, hear: Callable[[Heard], object], virtual: bool = False) -> None:
        self.backend, self.name, self.virtual, self._hear = backend, name, virtual, hear
        self.odd = self.lost = 0
        self._port: Port | None = _opened(lambda: backend.open_input(name, self._take, virtual), name, self.kind)

    def _take(self, data: bytes) -> None:
        now = time.monotonic()
        if sound(data):
            self._hear(Heard(data, now))
        else:
            self.odd += 1

    @property
    def there(self) -> bool:
        """Whether it is open."""
        return self._port is not None

    def look(self, names: Sequence[str]) -> bool:
        """Close it where it is gone, open it where it has come back; True where that changed."""
        if self.virtual or (self.name in names) == self.there:
            return False
        if self.there:
            self.close()
            self.lost += 1
            return True
        try:
            self._port = self._opened()
        except (OSError, RuntimeError, ValueError):
            return False
        return True

    def _opened(self) -> Port:
        return self.backend.open_input(self.name, self._take, self.virtual)

    def close(self) -> None:
        """Let it go, in bounded time."""
        port, self._port = self._port, None
        if port is not None:
            thread = threading.Thread(target=_closed, args=(port,), daemon=True)
            thread.start()
            thread.join(CLOSING)


class Output(Input):
    """An output that comes back when it was unplugged. The arguments are those of `Input`, but nothing is heard."""

    kind = "output"

    def __init__(self, backend: Backend, name: str, virtual: bool = False) -> None:
        self.backend, self.name, self.virtual = backend, name, virtual
        self.odd = self.lost = 0
        self._port = _opened(self._opened, name, self.kind)

    def _opened(self) -> Port:
        return self.backend.open_output(self.name, self.virtual)

    def send(self, data: bytes) -> None:
        """Send a message. Raises OSError, RuntimeError or ValueError where the port is gone."""
        port = self._port
        if port is None:
            raise OSError(f"{self.name} is gone")
        port.send(data)


def changed(ports: Sequence[Input]) -> list[Input]:
    """Those that have gone, or have come back, since this was last asked."""
    names: dict[tuple[int, str], Sequence[str]] = {}
    found = []
    for port in ports:
        key = id(port.backend), port.kind
        if key not in names:
            names[key] = port.backend.inputs() if port.kind == "input" else port.backend.outputs()
        if port.look(names[key]):
            found.append(port)
    return found


class Outputs:
    """Several outputs as one: what one of them does not take, the others do all the same."""

    def __init__(self, outputs: Sequence[Output]) -> None:
        self.all = list(outputs)
        self.failed = 0

    def send(self, data: bytes) -> None:
        """Send a message to all."""
        for each in self.all:
            try:
                each.send(data)
            except (OSError, RuntimeError, ValueError):
                self.failed += 1


def _opened(make: Callable[[], Port], name: str, kind: str) -> Port:
    try:
        return make()
    except (OSError, RuntimeError, ValueError, NotImplementedError) as error:
        said = " ".join(str(error).split())[:200]
        raise UsageError(
            f"the MIDI {kind} {name!r} cannot be opened ({said})", "does another program use it?"
        ) from None


def _closed(port: Port) -> None:
    try:
        port.close()
    except Exception:  # it is gone, which is what was wanted
        return
