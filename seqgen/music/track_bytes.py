"""The bytes of MIDI tracks: channel events from columns, all tracks in one pass of numpy; meta events one by one.

Knows nothing of scores. Running status is used wherever it may be.

Source: Standard MIDI Files 1.0 (MIDI Manufacturers Association, RP-001), p. 3–12.
"""

from collections.abc import Sequence

import numpy as np

from seqgen.music.arrays import Ints, differs, gaps

TRACK_NAME, PORT, END_OF_TRACK, TEMPO, METER, KEY = 0x03, 0x21, 0x2F, 0x51, 0x58, 0x59
MAX_DELTA = (1 << 28) - 1
ABSENT = 256  # stands for no byte in a table of bytes
_CLOCKS = bytes([24, 8])  # of a meter: MIDI clocks a click, 32nd notes a quarter note


def file_bytes(ticks_per_quarter: int, tracks: Sequence[bytes]) -> bytes:
    """A file of type 1 from the events of its tracks."""
    head = b"MThd" + b"".join(
        number.to_bytes(size, "big") for number, size in ((6, 4), (1, 2), (len(tracks), 2), (ticks_per_quarter, 2))
    )
    return head + b"".join(b"MTrk" + len(track).to_bytes(4, "big") + track for track in tracks)


def number(value: int) -> bytes:
    """A variable-length number."""
    result = [value & 127]
    while value := value >> 7:
        result.append(128 | value & 127)
    return bytes(reversed(result))


def meta(delta: int, kind: int, payload: bytes = b"") -> bytes:
    """A meta event."""
    return number(min(delta, MAX_DELTA)) + bytes([0xFF, kind]) + number(len(payload)) + payload


def tempo(delta: int, value: int) -> bytes:
    """A tempo event, of microseconds a quarter note as far as three bytes can state them."""
    return meta(delta, TEMPO, min(max(value, 1), 0xFFFFFF).to_bytes(3, "big"))


def meter(delta: int, numerator: int, denominator: int) -> bytes:
    """A meter event; the denominator must be a power of two."""
    return meta(delta, METER, bytes([numerator, denominator.bit_length() - 1]) + _CLOCKS)


def key(fifths: int, minor: bool) -> bytes:
    """A key signature at the beginning of a track, of so many sharps, or flats below 0."""
    return meta(0, KEY, fifths.to_bytes(1, "big", signed=True) + bytes([minor]))


def channel_tracks(tick: Ints, order: Ints, track: Ints, events: Ints, tracks: int) -> list[bytes]:
    """The channel events of each track, without its end marker.

    Args:
        tick: (N,) when.
        order: (N,) the order among events of one tick and track.
        track: (N,) whose, in [0, tracks).
        events: (N, 3) status and data bytes, ABSENT for a data byte that a status has not.
        tracks: How many tracks.
    """
    sorting = np.lexsort((order, tick, track))
    tick, track, events = tick[sorting], track[sorting], events[sorting]
    fresh = differs(track)
    delta = np.minimum(np.where(fresh, tick, gaps(tick)), MAX_DELTA)
    table = np.empty((len(tick), 7), np.uint16)
    for place in range(4):  # the bytes of the delta time, of which leading zeros are left out
        above = delta >> 7 * (3 - place)
        table[:, place] = np.where((above > 0) | (place == 3), above & 127 | (128 if place < 3 else 0), ABSENT)
    table[:, 4] = np.where(fresh | differs(events[:, 0]), events[:, 0], ABSENT)
    table[:, 5:] = events[:, 1:]
    present = table != ABSENT
    flat = table[present].astype(np.uint8).tobytes()
    ends = np.concatenate(([0], np.cumsum(present.sum(axis=1))))[np.searchsorted(track, np.arange(tracks + 1))]
    return [flat[begin:end] for begin, end in zip(ends[:-1].tolist(), ends[1:].tolist())]
