"""Ports inside this process: what goes out on a cable comes in on the same cable. For tests, and to try things."""

import threading
from collections.abc import Sequence

from seqgen.live.ports import Hear, Port


class Loopback:
    """A few cables.

    Args:
        cables: Their names; opening another as a virtual port makes it.
    """

    name = "loopback"
    virtual = True

    def __init__(self, cables: Sequence[str] = ("loopback",)) -> None:
        self._hearers: dict[str, list[Hear]] = {cable: [] for cable in cables}
        self._lock = threading.Lock()

    def inputs(self) -> Sequence[str]:
        return [*self._hearers]

    def outputs(self) -> Sequence[str]:
        return [*self._hearers]

    def open_input(self, name: str, hear: Hear, virtual: bool) -> Port:
        with self._lock:
            self._there(name, virtual).append(hear)
        return _End(self, name, hear)

    def open_output(self, name: str, virtual: bool) -> Port:
        with self._lock:
            self._there(name, virtual)
        return _End(self, name, None)

    def unplug(self, cable: str) -> None:
        """Take a cable away."""
        with self._lock:
            self._hearers.pop(cable, None)

    def plug(self, cable: str) -> None:
        """Give a cable back."""
        with self._lock:
            self._hearers.setdefault(cable, [])

    def put(self, cable: str, data: bytes) -> None:
        """A message on a cable."""
        hearers = self._hearers.get(cable)
        if hearers is None:
            raise OSError(f"{cable} is unplugged")
        for hear in list(hearers):
            hear(bytes(data))

    def forget(self, cable: str, hear: Hear | None) -> None:
        """An end is closed."""
        with self._lock:
            if hear is not None and hear in self._hearers.get(cable, []):
                self._hearers[cable].remove(hear)

    def _there(self, name: str, virtual: bool) -> list[Hear]:
        if name not in self._hearers and not virtual:
            raise OSError(f"there is no cable {name}")
        return self._hearers.setdefault(name, [])


class _End:
    """One end of a cable."""

    def __init__(self, loopback: Loopback, cable: str, hear: Hear | None) -> None:
        self._loopback, self._cable, self._hear = loopback, cable, hear

    def send(self, data: bytes) -> None:
        self._loopback.put(self._cable, data)

    def close(self) -> None:
        self._loopback.forget(self._cable, self._hear)


SHARED = Loopback()
