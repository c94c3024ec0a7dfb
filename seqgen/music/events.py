"""The events of MIDI tracks as numpy columns: tolerant of damage, bounded, and fast. Knows nothing of notes.

Nearly all bytes of a track lie in stretches of plain channel events, which `stretches` finds and takes apart. What
stands between them (meta events, system exclusive messages, damage) is read here, event by event.

Source: Standard MIDI Files 1.0 (MIDI Manufacturers Association, RP-001), p. 5–12.
"""

import re
from array import array
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from seqgen.music import stretches
from seqgen.music.faults import Faults, refuse
from seqgen.music.stretches import Columns

META, SYSEX, ESCAPE = 0xFF, 0xF0, 0xF7
STRAY = 0xF4  # any other system message
DATA_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}  # of system common messages; the others have none
REAL_TIME = 0xF8  # from here on system messages leave running status alone
END_OF_TRACK = 0x2F
SHORT = 64  # bytes up to which single events are read faster one by one
FAR = np.int32(0x7FFFFFFF)  # behind every file
LONG_NUMBER = re.compile(rb"[\x80-\xff]{4,64}[\x00-\x7f]", re.S)
# What is looked for behind damage: a delta time, a status and its data bytes, or one of the usual meta events.
NEXT_EVENT = re.compile(
    rb"[\x80-\xff]{0,3}[\x00-\x7f]"
    rb"(?:[\x80-\xbf\xe0-\xef][\x00-\x7f]{2}|[\xc0-\xdf][\x00-\x7f]|\xff[\x01-\x09\x20\x21\x2f\x51\x54\x58\x59\x7f])",
    re.S,
)


@dataclass(frozen=True)
class Events:
    """All events of a file, by track and then in the order of the file.

    Attributes:
        tick: (N,) int64.
        track: (N,) index of the track.
        status: (N,) uint8, running status resolved; else META, SYSEX or STRAY.
        first, second: (N,) uint8 data bytes; the type of a meta event stands in `first`.
        start, size: (N,) the payload of a meta event or a system exclusive message, in bytes of the file; else of no
            meaning.
        last: (tracks,) the last tick of each track.
    """

    tick: NDArray[np.int64]
    track: NDArray[np.int64]
    status: NDArray[np.uint8]
    first: NDArray[np.uint8]
    second: NDArray[np.uint8]
    start: NDArray[np.int32]
    size: NDArray[np.int32]
    last: NDArray[np.int64]

    @cached_property
    def meta(self) -> NDArray[np.intp]:
        """Indices of the meta events."""
        return np.flatnonzero(self.status == META)


def read_events(data: bytes, tracks: tuple[tuple[int, int], ...], faults: Faults) -> Events:
    """The events of all tracks.

    Args:
        data: The whole file.
        tracks: (start, end) of each track, in bytes, in order.
        faults: Where damage is told.

    Raises:
        MidiError: There are more than `stretches.MAX_EVENTS`, or (when strict) a track is damaged.
    """
    scan = _Scan(data, faults)
    for start, end in tracks:
        scan.track(start, end)
    parts = [stretches.take_apart(data, scan.pairs, 3), stretches.take_apart(data, scan.singles, 2), scan.rows()]
    count = sum(part.shape[1] for part in parts)
    if count > stretches.MAX_EVENTS:
        refuse(tracks[0][0], f"too many events (expected at most {stretches.MAX_EVENTS:,}, found {count:,})")
    return _resolve(
        _merge(parts[0], np.concatenate(parts[1:], axis=1)), np.array([start for start, _ in tracks], np.int32)
    )


def _merge(rows: Columns, others: Columns) -> Columns:
    """Rows in the order of the file, from sorted ones and (mostly few) others in any order."""
    if 16 * others.shape[1] > rows.shape[1]:
        rows = np.concatenate((rows, others), axis=1)
        return np.take(rows, np.argsort(rows[0], kind="stable"), axis=1)
    others = np.take(others, np.argsort(others[0]), axis=1)
    pieces, done = [], 0
    for place, at in enumerate(np.searchsorted(rows[0], others[0]).tolist()):
        pieces += [rows[:, done:at], others[:, place : place + 1]]
        done = at
    return np.concatenate((*pieces, rows[:, done:]), axis=1)


def _resolve(rows: Columns, starts: NDArray[np.int32]) -> Events:
    """Delta times to ticks, and running status to status."""
    offset, delta, status, first, second, size = rows
    bounds = np.searchsorted(offset, np.append(starts, FAR))  # (tracks + 1,)
    counts = bounds[1:] - bounds[:-1]
    total = np.concatenate(([0], np.cumsum(delta, dtype=np.int64)))
    tick = total[1:] - np.repeat(total[bounds[:-1]], counts)
    last = total[bounds[1:]] - total[bounds[:-1]]
    status = status.astype(np.uint8)
    own = np.where((status >= 0x80) & (status < 0xF0), np.arange(len(status)), 0)
    resolved = np.where(status == 0, status[np.maximum.accumulate(own)], status) if len(status) else status
    track = np.repeat(np.arange(len(starts)), counts)
    return Events(tick, track, resolved, first.astype(np.uint8), second.astype(np.uint8), second, size, last)


class _Scan:
    """One pass over the tracks: where the stretches lie, and the events between them."""

    def __init__(self, data: bytes, faults: Faults) -> None:
        self.data = data
        self.faults = faults
        self.pairs: list[tuple[int, int]] = []
        self.singles: list[tuple[int, int]] = []
        self._flat = array("i")  # rows of `Columns`, one after another

    def rows(self) -> Columns:
        return np.array(self._flat, np.int32).reshape(-1, 6).T

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
        pairs = stretches.RUNNING2 if self.running == 2 else stretches.FRESH2
        if found := pairs.match(self.data, at, self.end):
            self.running = 2
            self.pairs.append(found.span())
            return found.end()
        singles = stretches.RUNNING1 if self.running == 1 else stretches.FRESH1
        found = singles.match(self.data, at, self.end)
        if found and found.end() - at >= SHORT:
            self.running = 1
            self.singles.append(found.span())
            return found.end()
        return 0

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
            return self._system(begin, delta, at)
        return self._channel(begin, delta, at)

    def _system(self, begin: int, delta: int, at: int) -> int:
        """A system message of live playing: it and its data bytes are passed over."""
        status = self.data[at]
        self.faults.dropped("system message", at, f"status byte {status:#04x} has no place in a file")
        self._row(begin, delta, STRAY, 0, 0)
        if status < REAL_TIME:
            self.lapsed, self.running = self.running or self.lapsed, 0
        at += 1
        for _ in range(DATA_BYTES.get(status, 0)):
            at += int(at < self.end and self.data[at] < 0x80)
        return at

    def _channel(self, begin: int, delta: int, at: int) -> int:
        """A channel event that the patterns refused: without a status, cut short, or with bytes above 127."""
        status = self.data[at]
        if status >= 0x80:
            self.running, at = (1 if 0xC0 <= status < 0xE0 else 2), at + 1
        else:
            status = 0
            if self.running == 0 and self.lapsed == 0:
                return self._pass(at, f"expected a status byte, found {self.data[at]:#04x}")
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
            return self._pass_cut(begin, at, "meta event" if status == META else "system message")
        self.ended = status == META and kind == END_OF_TRACK
        self._row(begin, delta, META if status == META else SYSEX, kind, at, length)
        return at + length

    def _number(self, at: int) -> tuple[int, int]:
        """A variable-length number and the offset behind it, which is -1 where its track ends before."""
        value = 0
        for here in range(at, min(at + 4, self.end)):
            byte = self.data[here]
            value = value << 7 | byte & 127
            if byte < 128:
                return value, here + 1
        if at + 4 <= self.end:
            return self._long_number(at)
        return 0, self._cut(at, "number")

    def _long_number(self, at: int) -> tuple[int, int]:
        """A number of more than 4 bytes is damage: the event is read as if it were 0."""
        found = LONG_NUMBER.match(self.data, at, self.end)
        if found is None:
            return 0, self._give_up(at, "variable-length number is longer than 4 bytes")
        self.faults.repaired("number of more than 4 bytes", at, "variable-length number is longer than 4 bytes")
        return 0, found.end()

    def _row(self, begin: int, delta: int, status: int, first: int, second: int, size: int = 0) -> None:
        if len(self._flat) >= 6 * stretches.MAX_EVENTS:
            refuse(begin, f"too many events (expected at most {stretches.MAX_EVENTS:,})")
        self._flat.extend((begin, delta, status, first, second, size))

    def _pass_cut(self, begin: int, at: int, what: str) -> int:
        """An event that is longer than its track: a wrong length where others follow, else the end."""
        found = NEXT_EVENT.search(self.data, at, self.end)
        if found is None:
            return self._cut(begin, what)
        self.faults.dropped("event cut short", begin, f"{what} is cut short by the end of its track")
        return found.start()

    def _cut(self, at: int, what: str) -> int:
        self.ended = True
        self.faults.dropped("event cut short", at, f"{what} is cut short by the end of its track")
        return -1

    def _pass(self, at: int, problem: str) -> int:
        """Go on with the next event that can be made out behind damage; the offset where it begins."""
        found = NEXT_EVENT.search(self.data, at + 1, self.end)
        if found is None:
            return self._give_up(at, problem)
        self.faults.dropped("damaged event", at, problem)
        return found.start()

    def _give_up(self, at: int, problem: str) -> int:
        self.ended = True
        self.faults.dropped("rest of a damaged track", at, problem)
        return -1
