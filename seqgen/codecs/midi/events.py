"""The events of MIDI tracks as numpy columns: tolerant of damage, bounded, and fast. Knows nothing of notes.

Nearly all bytes of a MIDI file are long stretches of channel events with two data bytes. In such a stretch bytes
below 128 come in threes (end of the delta time, two data bytes) whatever the running status, so a regular expression
finds the stretch and numpy takes it apart in one go. What stands between stretches (meta events, system exclusive
messages, damage) is read event by event.

Source: Standard MIDI Files 1.0 (MIDI Manufacturers Association, RP-001), p. 5–12.
"""

import re
from array import array
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs.midi.faults import Faults, refuse

MAX_EVENTS = 2_000_000
META, SYSEX, ESCAPE = 0xFF, 0xF0, 0xF7
STRAY = 0xF4  # any other system message
END_OF_TRACK = 0x2F

# (N, 5): byte offset, delta time, status (0: running), first data byte, second data byte. Of a meta event: its type and
# where its payload lies, as start << _SIZE_BITS | size.
Columns = NDArray[np.int64]
_SIZE_BITS = 28


def _stretches(status: bytes, data_bytes: bytes) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Patterns for a stretch whose first event may lean on running status, and for one whose first may not."""
    delta = rb"[\x80-\xff]{0,3}+[\x00-\x7f]"
    more = rb"(?:" + delta + status + rb"?+" + data_bytes + rb")"
    return re.compile(more + rb"++", re.S), re.compile(delta + status + data_bytes + more + rb"*+", re.S)


_RUNNING2, _FRESH2 = _stretches(rb"[\x80-\xbf\xe0-\xef]", rb"[\x00-\x7f]{2}")
_RUNNING1, _FRESH1 = _stretches(rb"[\xc0-\xdf]", rb"[\x00-\x7f]")


@dataclass(frozen=True)
class Events:
    """All events of a file, by track and then in the order of the file.

    Attributes:
        offset: (N,) where the event begins, in bytes.
        tick: (N,) int64.
        track: (N,) index of the track.
        status: (N,) uint8, running status resolved; else META, SYSEX or STRAY.
        first, second: (N,) uint8 data bytes; the type of a meta event stands in `first`.
        start, size: (N,) the payload of a meta event, in bytes of the file; else of no meaning.
        last: (tracks,) the last tick of each track.
    """

    offset: NDArray[np.int64]
    tick: NDArray[np.int64]
    track: NDArray[np.int64]
    status: NDArray[np.uint8]
    first: NDArray[np.uint8]
    second: NDArray[np.uint8]
    start: NDArray[np.int64]
    size: NDArray[np.int64]
    last: NDArray[np.int64]


def read_events(data: bytes, tracks: tuple[tuple[int, int], ...], faults: Faults) -> Events:
    """The events of all tracks.

    Args:
        data: The whole file.
        tracks: (start, end) of each track, in bytes, in order.
        faults: Where damage is told.

    Raises:
        MidiError: There are more than MAX_EVENTS, or (when strict) a track is damaged.
    """
    scan = _Scan(data, faults)
    for start, end in tracks:
        scan.track(start, end)
    parts = [_take_apart(data, scan.pairs, 3), _take_apart(data, scan.singles, 2), scan.rows()]
    if sum(map(len, parts)) > MAX_EVENTS:
        refuse(tracks[0][0], f"too many events (expected at most {MAX_EVENTS:,}, found {sum(map(len, parts)):,})")
    rows = np.concatenate(parts)
    if len(parts[0]) < len(rows):
        rows = rows[np.argsort(rows[:, 0], kind="stable")]
    return _resolve(rows, np.array([start for start, _ in tracks], np.int64))


def _resolve(rows: Columns, starts: NDArray[np.int64]) -> Events:
    """Delta times to ticks, and running status to status."""
    offset, status = rows[:, 0], rows[:, 2]
    track = np.searchsorted(starts, offset, side="right") - 1
    bounds = np.searchsorted(offset, np.append(starts, np.iinfo(np.int64).max))  # (tracks + 1,)
    total = np.concatenate(([0], np.cumsum(rows[:, 1])))
    tick = total[1:] - total[bounds[:-1]][track]
    last = total[bounds[1:]] - total[bounds[:-1]]
    own = np.where((status >= 0x80) & (status < 0xF0), np.arange(len(rows)), 0)
    resolved = np.where(status == 0, status[np.maximum.accumulate(own)] if len(rows) else status, status)
    resolved, first, second = (column.astype(np.uint8) for column in (resolved, rows[:, 3], rows[:, 4]))
    start, size = rows[:, 4] >> _SIZE_BITS, rows[:, 4] & (1 << _SIZE_BITS) - 1
    return Events(offset, tick, track, resolved, first, second, start, size, last)


def _take_apart(data: bytes, stretches: list[tuple[int, int]], period: int) -> Columns:
    """(N, 5) the events of stretches in which every `period`-th byte below 128 ends a delta time."""
    if not stretches:
        return np.zeros((0, 5), np.int64)
    joined = np.frombuffer(b"".join([data[start:end] for start, end in stretches]), np.uint8)
    if np.count_nonzero(joined < 128) // period > MAX_EVENTS:
        refuse(stretches[-1][1], f"too many events (expected at most {MAX_EVENTS:,})")
    low = np.flatnonzero(joined < 128).reshape(-1, period)  # (N, period)
    ends, begins = low[:, 0], np.concatenate(([0], low[:-1, -1] + 1))
    rows = np.empty((len(low), 5), np.int64)
    rows[:, 0] = begins + _origins(begins, stretches)
    rows[:, 1] = joined[ends]
    for place in (1, 2, 3):  # the bytes of the delta time before its last, seven bits each
        longer = np.flatnonzero(ends - begins >= place)
        if len(longer) == 0:
            break
        rows[longer, 1] |= (joined[ends[longer] - place].astype(np.int64) & 127) << 7 * place
    rows[:, 2] = np.where(low[:, 1] - ends == 2, joined[ends + 1], 0)
    rows[:, 3] = joined[low[:, 1]]
    rows[:, 4] = joined[low[:, 2]] if period == 3 else 0
    return rows


def _origins(begins: NDArray[Any], stretches: list[tuple[int, int]]) -> NDArray[np.int64]:
    """(N,) what to add to an index into the joined stretches to get an offset in the file."""
    spans = np.array(stretches, np.int64)
    joined_at = np.concatenate(([0], np.cumsum(spans[:, 1] - spans[:, 0])[:-1]))
    return np.asarray((spans[:, 0] - joined_at)[np.searchsorted(joined_at, begins, side="right") - 1])


class _Scan:
    """One pass over the tracks: where the stretches lie, and the events between them."""

    def __init__(self, data: bytes, faults: Faults) -> None:
        self.data = data
        self.faults = faults
        self.pairs: list[tuple[int, int]] = []
        self.singles: list[tuple[int, int]] = []
        self._flat = array("q")  # rows of `Columns`, one after another

    def rows(self) -> Columns:
        return np.frombuffer(self._flat, np.int64).reshape(-1, 5) if self._flat else np.zeros((0, 5), np.int64)

    def track(self, at: int, end: int) -> None:
        """Scan one track, up to its end marker, its last byte, or damage that cannot be passed."""
        self.end, self.ended = end, False
        self.running = self.lapsed = 0  # data bytes of the running status; of the one a system message ended
        while at < end and not self.ended:
            at = self._stretch(at) or self._event(at)
        if not self.ended:
            self.faults.mended("track without an end marker")
        elif 0 <= at < end:
            self.faults.left_out("bytes after the end of a track", end - at)

    def _stretch(self, at: int) -> int:
        """The end of the stretch that begins here, or 0 where none does."""
        pairs = _RUNNING2 if self.running == 2 else _FRESH2
        if found := pairs.match(self.data, at, self.end):
            return self._keep(self.pairs, found.span(), 2)
        singles = _RUNNING1 if self.running == 1 else _FRESH1
        if found := singles.match(self.data, at, self.end):
            return self._keep(self.singles, found.span(), 1)
        return 0

    def _keep(self, stretches: list[tuple[int, int]], span: tuple[int, int], running: int) -> int:
        stretches.append(span)
        self.running = running
        return span[1]

    def _event(self, begin: int) -> int:
        """Read one event that belongs to no stretch; the offset behind it."""
        delta, at = self._number(begin)
        if at < 0:
            return at
        if at >= self.end:
            return self._cut(begin, "event")
        status = self.data[at]
        if status in (META, SYSEX, ESCAPE):
            return self._long(begin, delta, at)
        if status >= 0xF0:
            self.faults.dropped("system message", at, f"status byte {status:#04x} has no place in a file")
            self._row(begin, delta, STRAY, 0, 0)
            return at + 1
        return self._channel(begin, delta, at)

    def _channel(self, begin: int, delta: int, at: int) -> int:
        """A channel event that the patterns refused: without a status, cut short, or with bytes above 127."""
        status = self.data[at]
        if status >= 0x80:
            self.running, at = (1 if 0xC0 <= status < 0xE0 else 2), at + 1
        else:
            status = 0
            if self.running == 0 and self.lapsed == 0:
                return self._give_up(at, f"expected a status byte, found {self.data[at]:#04x}")
            if self.running == 0:
                problem = f"running status after a system message (expected a status byte, found {self.data[at]:#04x})"
                self.faults.repaired("running status after a system message", at, problem)
                self.running = self.lapsed
        values = self.data[at : min(at + self.running, self.end)]
        if len(values) < self.running:
            return self._cut(begin, "event")
        if max(values) > 127:
            problem = f"data byte is {max(values)}, expected at most 127"
            self.faults.repaired("data byte above 127", at, problem)
        first, second = (min(value, 127) for value in (values[0], values[-1]))
        self._row(begin, delta, status, first, second)
        return at + self.running

    def _long(self, begin: int, delta: int, at: int) -> int:
        """A meta event or a system exclusive message: a length, and that many bytes."""
        status, kind = self.data[at], 0
        if status == META:
            at += 1
            if at >= self.end:
                return self._cut(begin, "meta event")
            kind = self.data[at]
        else:
            self.lapsed, self.running = self.running or self.lapsed, 0
        length, at = self._number(at + 1)
        if at < 0:
            return at
        if at + length > self.end:
            return self._cut(begin, "meta event" if status == META else "system message")
        self.ended = status == META and kind == END_OF_TRACK
        self._row(begin, delta, META if status == META else SYSEX, kind, at << _SIZE_BITS | length)
        return at + length

    def _number(self, at: int) -> tuple[int, int]:
        """A variable-length number and the offset behind it, which is -1 where there is none."""
        value = 0
        for here in range(at, min(at + 4, self.end)):
            byte = self.data[here]
            value = value << 7 | byte & 127
            if byte < 128:
                return value, here + 1
        if at + 4 <= self.end:
            return 0, self._give_up(at, "variable-length number is longer than 4 bytes")
        return 0, self._cut(at, "number")

    def _row(self, begin: int, delta: int, status: int, first: int, second: int) -> None:
        if len(self._flat) >= 5 * MAX_EVENTS:
            refuse(begin, f"too many events (expected at most {MAX_EVENTS:,})")
        self._flat.extend((begin, delta, status, first, second))

    def _cut(self, at: int, what: str) -> int:
        self.ended = True
        self.faults.dropped("event cut short", at, f"{what} is cut short by the end of its track")
        return -1

    def _give_up(self, at: int, problem: str) -> int:
        self.ended = True
        self.faults.dropped("rest of a damaged track", at, problem)
        return -1
