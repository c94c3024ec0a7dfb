"""Ports by mido, whose own backend is python-rtmidi; another one that mido knows may be named."""

from collections.abc import Sequence
from typing import Any

import mido

from seqgen.live.ports import Hear, Port

RTMIDI = "mido.backends.rtmidi"


class MidoBackend:
    """What mido's backend of a name has.

    Args:
        backend: The module, as mido names it.
    """

    name = "rtmidi"

    def __init__(self, backend: str = RTMIDI) -> None:
        self._backend = mido.Backend(backend, load=True)

    @property
    def virtual(self) -> bool:
        """Not on Windows."""
        import sys

        return sys.platform != "win32"

    def inputs(self) -> Sequence[str]:
        return _unique(self._backend.get_input_names())

    def outputs(self) -> Sequence[str]:
        return _unique(self._backend.get_output_names())

    def open_input(self, name: str, hear: Hear, virtual: bool) -> Port:
        return _MidoPort(
            self._backend.open_input(name, virtual=virtual, callback=lambda each: hear(bytes(each.bytes())))
        )

    def open_output(self, name: str, virtual: bool) -> Port:
        return _MidoPort(self._backend.open_output(name, virtual=virtual))


class _MidoPort:
    """An open port of mido's."""

    def __init__(self, port: Any) -> None:
        self._port = port

    def send(self, data: bytes) -> None:
        self._port.send(mido.Message.from_bytes(data))

    def close(self) -> None:
        self._port.close()


def _unique(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(names))
