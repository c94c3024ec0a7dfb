"""Ports by rtmidi2, which has wheels where python-rtmidi has none."""

import sys
from collections.abc import Sequence
from typing import Any

import rtmidi2

from seqgen.live.ports import Hear, Port


class Rtmidi2Backend:
    """What rtmidi2 has."""

    name = "rtmidi2"
    virtual = sys.platform != "win32"

    def inputs(self) -> Sequence[str]:
        return list(rtmidi2.get_in_ports())

    def outputs(self) -> Sequence[str]:
        return list(rtmidi2.get_out_ports())

    def open_input(self, name: str, hear: Hear, virtual: bool) -> Port:
        port = rtmidi2.MidiIn("seqgen")
        port.ignore_types(False, False, True)  # else neither clock nor song position comes through
        port.callback = lambda message, time: hear(bytes(message))
        return _Rtmidi2Port(port, name, virtual)

    def open_output(self, name: str, virtual: bool) -> Port:
        return _Rtmidi2Port(rtmidi2.MidiOut("seqgen"), name, virtual)


class _Rtmidi2Port:
    """An open port of rtmidi2's."""

    def __init__(self, port: Any, name: str, virtual: bool) -> None:
        self._port = port
        if virtual:
            port.open_virtual_port(name)
        else:
            port.open_port(list(port.ports).index(name))

    def send(self, data: bytes) -> None:
        self._port.send_raw(*data)

    def close(self) -> None:
        self._port.close_port()
