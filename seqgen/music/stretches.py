"""Long stretches of channel events in a MIDI track: found by a regular expression, taken apart by numpy.

Nearly all bytes of a MIDI file are events with two data bytes. In a stretch of these, bytes below 128 come in threes
(the end of the delta time, two data bytes) whatever the running status; in a stretch of events with one data byte,
in twos. Knows nothing of what events mean.
"""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.music.faults import refuse

MAX_EVENTS = 2_000_000

Span = tuple[int, int]  # where a stretch begins and ends, in bytes of the file
# (6, N): byte offset, delta time, status (0: running), first data byte, second data byte, 0. Of a meta event the last
# three are its type, where its payload begins and how long it is. Files are far shorter than 2 GiB.
Columns = NDArray[np.int32]


def _patterns(status: bytes, data_bytes: bytes) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Patterns for a stretch whose first event may lean on running status, and for one whose first may not."""
    delta = rb"[\x80-\xff]{0,3}+[\x00-\x7f]"
    more = rb"(?:" + delta + status + rb"?+" + data_bytes + rb")"
    return re.compile(more + rb"++", re.S), re.compile(delta + status + data_bytes + more + rb"*+", re.S)


RUNNING2, FRESH2 = _patterns(rb"[\x80-\xbf\xe0-\xef]", rb"[\x00-\x7f]{2}")
RUNNING1, FRESH1 = _patterns(rb"[\xc0-\xdf]", rb"[\x00-\x7f]")


def take_apart(data: bytes, stretches: list[Span], period: int) -> Columns:
    """(6, N) the events of stretches in which every `period`-th byte below 128 ends a delta time."""
    if not stretches:
        return np.zeros((6, 0), np.int32)
    joined = np.frombuffer(b"".join([data[start:end] for start, end in stretches]), np.uint8)
    ending = joined < 128
    if np.count_nonzero(ending) // period > MAX_EVENTS:
        refuse(stretches[-1][1], f"too many events (expected at most {MAX_EVENTS:,})")
    low = ending.nonzero()[0].reshape(-1, period).T.copy()  # (period, N)
    ends, begins = low[0], np.zeros(low.shape[1], np.int64)
    begins[1:] = low[-1, :-1] + 1
    rows = np.zeros((6, len(ends)), np.int32)
    rows[0] = begins + _origins(begins, stretches)
    rows[1] = joined[ends]
    more = ends - begins
    for place in range(1, int(more.max()) + 1):  # the bytes of the delta time before its last, seven bits each
        longer = (more >= place).nonzero()[0]
        rows[1, longer] |= (joined[ends[longer] - place].astype(np.int32) & 127) << 7 * place
    rows[2] = np.where(low[1] - ends == 2, joined[ends + 1], 0)
    for place in range(1, period):
        rows[2 + place] = joined[low[place]]
    return rows


def _origins(begins: NDArray[Any], stretches: list[Span]) -> NDArray[np.int64]:
    """(N,) what to add to an index into the joined stretches to get an offset in the file."""
    spans = np.array(stretches, np.int64)
    joined_at = np.concatenate(([0], np.cumsum(spans[:, 1] - spans[:, 0])[:-1]))
    at = np.append(np.searchsorted(begins, joined_at), len(begins))
    return np.repeat(spans[:, 0] - joined_at, at[1:] - at[:-1])
