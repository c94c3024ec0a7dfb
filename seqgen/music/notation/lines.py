"""Which lines of a written part are parts of a `Score` of their own: the voices on its staves. Knows only times.

- A voice that never sounds together with another on its staff (one takes over from the other), or that goes over to
  another staff, stays in one part with it.
- A voice that sounds only now and then (a divided note, a second voice for a bar) goes with the busiest of its staff:
  a part may hold chords, and a token for a part must be worth it.
- Any other is a part: soprano and alto on one staff, the two hands of a piano.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqgen.music.notation.bars import Line, Row

SELDOM = 5  # a voice with so many times fewer notes than the busiest of its staff is none of its own
MOST = 16  # lines of a part that are told apart; the less busy go with others of their staff

Spans = NDArray[np.int64]  # (N, 2) beginnings and ends, apart and in order


@dataclass
class _Group:
    """Lines that are one part: the staff and the voice of the busiest, its notes, and when any of them sounds."""

    line: Line
    notes: int
    spans: Spans


def grouped(rows: Sequence[Row], lines: Sequence[Line]) -> list[int]:
    """For each note of a written part the number of its part, the busiest being 0.

    Args:
        rows: The notes as they are played.
        lines: The voice and the staff of each.
    """
    number = {line: at for at, line in enumerate(dict.fromkeys(lines))}
    if len(number) < 2:
        return [0] * len(rows)
    which = np.array([number[line] for line in lines])
    times = np.array([row[:2] for row in rows], np.int64)
    times[:, 1] += times[:, 0]
    busy = np.bincount(which)
    found = list(number)
    groups: list[_Group] = []
    table = np.zeros(len(found), np.int64)
    for rank, at in enumerate(np.argsort(-busy, kind="stable").tolist()):
        new = _Group(found[at], int(busy[at]), _merged(times[which == at]) if rank < MOST else times[:0])
        place = _place(groups, new, rank < MOST)
        if place == len(groups):
            groups.append(new)
        elif rank < MOST:
            groups[place].spans = _merged(np.concatenate((groups[place].spans, new.spans)))
        table[at] = place
    return [int(part) for part in table[which]]


def _place(groups: list[_Group], new: _Group, tell_apart: bool) -> int:
    """The group that a line belongs to; one more than there are for a new one."""
    (voice, staff), near = new.line, range(len(groups))
    if tell_apart:
        free = [at for at in near if voice == groups[at].line[0] and not _overlap(groups[at].spans, new.spans)]
        same = [at for at in near if staff == groups[at].line[1]]
        free += [at for at in same if at not in free and not _overlap(groups[at].spans, new.spans)]
        if free:
            return free[0]
        return same[0] if same and groups[same[0]].notes > SELDOM * new.notes else len(groups)
    return next((at for at in near if staff == groups[at].line[1]), 0)


def _merged(times: Spans) -> Spans:
    """Times that overlap or touch, joined."""
    times = times[np.argsort(times[:, 0], kind="stable")]
    latest = np.maximum.accumulate(times[:, 1])
    new = np.append(True, times[1:, 0] > latest[:-1])
    last = np.append(np.flatnonzero(new)[1:], len(times)) - 1
    return np.stack((times[new, 0], latest[last]), axis=1)


def _overlap(spans: Spans, others: Spans) -> bool:
    """Whether anything in one sounds together with anything in the other."""
    before = np.searchsorted(spans[:, 0], others[:, 1]) - 1  # the last one that begins before each ends
    return bool(np.any((before >= 0) & (spans[np.maximum(before, 0), 1] > others[:, 0])))
