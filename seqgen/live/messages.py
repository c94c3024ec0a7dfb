"""MIDI messages as bytes, and what the few that matter live are called. Source: MIDI 1.0 Detailed Specification 4.2."""

from typing import NamedTuple

NOTE_OFF, NOTE_ON, CONTROL, PROGRAM = 0x80, 0x90, 0xB0, 0xC0
POSITION, CLOCK, START, CONTINUE, STOP = 0xF2, 0xF8, 0xFA, 0xFB, 0xFC
SUSTAIN, SOUND_OFF, NOTES_OFF = 64, 120, 123
CHANNELS = 16
PERCUSSION = 9
CLOCKS = 24  # a quarter note
CLOCKS_A_POSITION = 6  # a sixteenth
MOST_POSITION = (1 << 14) - 1


class Heard(NamedTuple):
    """A message with the time at which it came."""

    data: bytes
    time: float


def note_on(channel: int, pitch: int, velocity: int) -> bytes:
    """A key goes down."""
    return bytes((NOTE_ON | channel, pitch, velocity))


def note_off(channel: int, pitch: int) -> bytes:
    """A key goes up."""
    return bytes((NOTE_OFF | channel, pitch, 0))


def control(channel: int, number: int, value: int) -> bytes:
    """A controller takes a value."""
    return bytes((CONTROL | channel, number, value))


def program(channel: int, number: int) -> bytes:
    """A channel takes an instrument."""
    return bytes((PROGRAM | channel, number))


def position(sixteenths: int) -> bytes:
    """Where the next start continues, in sixteenths."""
    place = min(max(sixteenths, 0), MOST_POSITION)
    return bytes((POSITION, place & 0x7F, place >> 7))


def position_of(data: bytes) -> int:
    """The sixteenths that a song position of three bytes names."""
    return data[1] | data[2] << 7


def starts(data: bytes) -> bool:
    """Whether a message is a key that goes down."""
    return len(data) == 3 and data[0] & 0xF0 == NOTE_ON and data[2] > 0


def ends(data: bytes) -> bool:
    """Whether a message is a key that goes up; a note on of velocity 0 is one."""
    return len(data) == 3 and (data[0] & 0xF0 == NOTE_OFF or (data[0] & 0xF0 == NOTE_ON and data[2] == 0))


def sound(data: bytes) -> bool:
    """Whether a message is one that a port gives: complete, its data bytes below 128."""
    if not data or data[0] < 0x80 or any(byte > 0x7F for byte in data[1:]):
        return False
    kind = data[0] & 0xF0
    if kind == 0xF0:
        return data[0] not in (0xF0, 0xF7) and (data[0] != POSITION or len(data) == 3)
    return len(data) == (2 if kind in (PROGRAM, 0xD0) else 3)
