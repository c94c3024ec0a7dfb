"""What programs want to be told by OSC, as bytes of packets: Sonic Pi, Tidal, SuperDirt, Max, Pure Data, TouchDesigner.

Packets are python-osc's. What each program listens for, and on which port, is told in `examples/live/README.md`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from seqgen.live.messages import PERCUSSION
from seqgen.live.output import Out

ROOT = "/seqgen"
MIDDLE = 60  # the pitch that Tidal counts from
DRUM_SAMPLES = {
    35: "bd", 36: "bd", 37: "rm", 38: "sd", 39: "cp", 40: "sd", 41: "lt", 42: "hh", 43: "lt", 44: "hh", 45: "mt",
    46: "oh", 47: "mt", 48: "ht", 49: "cr", 50: "ht", 51: "rd", 53: "rd", 54: "tb", 56: "cb", 57: "cr",
}  # fmt: skip
Values = Sequence[int | float | str]
Packets = list[bytes]


class Dialect(NamedTuple):
    """How a program is spoken to.

    Attributes:
        port: Where it listens.
        lead: Seconds before its time at which a note is sent, its time being in the packet.
        note: The packets of a note; takes it and its time in seconds since 1970.
        line: The packets of a line of text.
        event: Those of another event: its name and its values.
    """

    port: int
    lead: float
    note: Callable[[Out, float], Packets]
    line: Callable[[str], Packets]
    event: Callable[[str, Values], Packets]


def message(address: str, values: Values) -> bytes:
    """A message: whole numbers as i, others as f, texts as s."""
    builder = OscMessageBuilder(address)
    for value in values:
        kind = "s" if isinstance(value, str) else "f" if isinstance(value, float) else "i"
        builder.add_arg(value, kind)
    return builder.build().dgram


def bundle(time: float, address: str, values: Values) -> bytes:
    """A message that is meant for a time, in seconds since 1970."""
    builder = OscBundleBuilder(time)  # type: ignore[arg-type]  # it takes a float and says int
    inner = OscMessageBuilder(address)
    for value in values:
        inner.add_arg(value, "s" if isinstance(value, str) else "f" if isinstance(value, float) else "i")
    builder.add_content(inner.build())
    return builder.build().dgram


def _flat(note: Out, time: float) -> Packets:
    values = (note.pitch, note.velocity, round(note.seconds, 4), note.channel + 1)
    return [message(f"{ROOT}/note", values)]


def _line(text: str) -> Packets:
    return [message(f"{ROOT}/line", (text,))]


def _event(name: str, values: Values) -> Packets:
    return [message(f"{ROOT}/{name}", values)]


def _nothing(name: str, values: Values) -> Packets:
    return []


def _floats(note: Out, time: float) -> Packets:
    """A short address and floats alone."""
    values = (float(note.pitch), float(note.velocity), float(note.seconds), float(note.channel + 1))
    return [message("/note", values)]


def _short_event(name: str, values: Values) -> Packets:
    return [message(f"/{name}", [float(value) if isinstance(value, int) else value for value in values])]


def _tidal(note: Out, time: float) -> Packets:
    """Controls that a pattern reads with `cF`."""
    pairs = {"seqgen_note": float(note.pitch - MIDDLE), "seqgen_gain": note.velocity / 127}
    pairs |= {"seqgen_sustain": round(note.seconds, 4), "seqgen_channel": float(note.channel + 1)}
    return [message("/ctrl", (name, float(value))) for name, value in pairs.items()]


def _tidal_line(text: str) -> Packets:
    return [message("/ctrl", ("seqgen_line", text))]


def _superdirt(note: Out, time: float) -> Packets:
    """An event as Tidal sends it to SuperDirt."""
    rate = note.beats / note.seconds / 4 if note.seconds > 0 else 0.5  # cycles a second, a bar of 4/4 each
    drum = note.channel == PERCUSSION
    sound = DRUM_SAMPLES.get(note.pitch, "perc") if drum else "superpiano"
    values: list[int | float | str] = [
        "_id_", "1", "cps", float(rate), "cycle", float(note.beat / 4), "delta", float(note.seconds),
        "orbit", note.channel % 12, "s", sound, "gain", float(note.velocity / 127),
    ]  # fmt: skip
    values += [] if drum else ["midinote", float(note.pitch), "sustain", float(note.seconds)]
    return [bundle(time, "/dirt/play", values)]


DIALECTS: Mapping[str, Dialect] = {
    "seqgen": Dialect(7400, 0.0, _flat, _line, _event),
    "sonic-pi": Dialect(4560, 0.0, _flat, _line, _event),
    "tidal": Dialect(6010, 0.0, _tidal, _tidal_line, _nothing),
    "superdirt": Dialect(57120, 0.1, _superdirt, lambda text: [], _nothing),
    "max": Dialect(7400, 0.0, _flat, _line, _event),
    "pd": Dialect(7400, 0.0, _flat, _line, _event),
    "touchdesigner": Dialect(10000, 0.0, _floats, lambda text: [message("/line", (text,))], _short_event),
}
