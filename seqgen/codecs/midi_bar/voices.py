"""What voices that are made keep to among each other: their order, and no fifths or octaves in a row.

Where the voices of a corpus do not cross, a note that is made is no higher than what the voices above it sing at that
time, and no lower than what those below it do; it ends before a given voice would cross it. Two voices that move at
once do not go from a fifth to a fifth, or from an octave or unison to another, if anything else can be sung. Either
gives way where nothing would be left.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs import Ids, Mask
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.codecs.midi_bar.parting import Apart

PERFECT = (0, 7)  # semitones, octaves apart
LOOKED_AT, LONGEST_DOCUMENT, MOST_VOICES = 50, 30_000, 8  # documents, tokens and parts of which crossing is counted
_PITCHES = np.arange(128)

Sounds = NDArray[np.int64]  # (steps,) the pitch of a voice at each step of a piece, −1 where it rests


class Note(NamedTuple):
    """A note that was made, in steps from the beginning of the piece."""

    begin: int = -1
    end: int = -1
    pitch: int = -1


Lately = tuple[tuple[Note, Note], ...]  # of each part the last note but one, and the last
NOTHING: Lately = ((Note(), Note()),) * v.PARTS


def sung(lately: Lately, part: int, note: Note) -> Lately:
    """The same after a note of a part, which takes the place of one that began with it, as tied ones do."""
    before, last = lately[part]
    pair = (before if last.begin == note.begin else last, note)
    return (*lately[:part], pair, *lately[part + 1 :])


@dataclass(frozen=True, eq=False)
class Voices:
    """The voices of a piece, some given, some made.

    Attributes:
        above: The pairs of PART tokens of which the first stays above the second.
        given: What the given ones sing.
    """

    above: frozenset[tuple[int, int]]
    given: Mapping[int, Sounds]

    def pitch(self, part: int, step: int, lately: Lately) -> int:
        """What a voice sings at a step, as far as that is known; −1 where it rests, or is not made yet."""
        if part in self.given:
            own = self.given[part]
            return int(own[step]) if 0 <= step < len(own) else -1
        return next((note.pitch for note in lately[part] if note.begin <= step < note.end), -1)

    def keep(self, mask: Mask, part: int, step: int, lately: Lately) -> None:
        """Take pitches from a mask (SIZE,) that a voice should not sing from a step on."""
        if not mask[v.PITCH : v.DRUM].any():
            return
        own = mask[v.PITCH : v.DRUM]
        for kept in (self._between(part, step, lately), ~self._parallel(part, step, lately)):
            if (own & kept).any():
                own &= kept

    def room(self, part: int, pitch: int, step: int) -> int:
        """The step at which a given voice crosses a pitch that a voice sings from a step on; far off where none does.

        A voice that is crossed already does not count.
        """
        found = 1 << 40
        for other, above in self._others(part):
            if other in self.given:
                ahead = self.given[other][step:]
                crossed = np.flatnonzero((ahead >= 0) & ((ahead < pitch) if above else (ahead > pitch)))
                if len(crossed) and crossed[0]:
                    found = min(found, step + int(crossed[0]))
        return found

    def _others(self, part: int) -> Iterator[tuple[int, bool]]:
        """The voices that keep their order with this one, and whether each is above it."""
        for upper, lower in self.above:
            if part in (upper, lower):
                yield (upper, True) if part == lower else (lower, False)

    def _between(self, part: int, step: int, lately: Lately) -> Mask:
        """(128,) the pitches between those of the voices above and below."""
        low, high = 0, 127
        for other, above in self._others(part):
            pitch = self.pitch(other, step, lately)
            if pitch >= 0:
                low, high = (low, min(high, pitch)) if above else (max(low, pitch), high)
        return np.asarray((low <= _PITCHES) & (high >= _PITCHES))

    def _parallel(self, part: int, step: int, lately: Lately) -> Mask:
        """(128,) the pitches that would make a fifth or octave in a row with another voice."""
        found, was = np.zeros(128, np.bool_), self.pitch(part, step - 1, lately)
        for other, above in self._others(part) if was >= 0 else ():
            before, now = (self.pitch(other, at, lately) for at in (step - 1, step))
            if min(before, now) < 0 or before == now:
                continue
            sign = 1 if above else -1
            interval = sign * (before - was) % 12
            if interval in PERFECT:
                found |= (sign * (now - _PITCHES) % 12 == interval) & (was != _PITCHES)
        return found


def sounds(apart: Apart, parts: Sequence[int], begins: NDArray[np.int64]) -> dict[int, Sounds]:
    """What each of some parts sings; of notes that sound at once the one that began last, and of these the highest.

    Args:
        apart: The piece.
        parts: Their PART tokens.
        begins: (bars + 1,) the step at which each bar begins, and the last one ends.
    """
    rows, found = apart.rows, {part: np.full(int(begins[-1]), -1, np.int64) for part in parts}
    wanted = np.flatnonzero(np.isin(rows.part, list(parts)))
    at = begins[rows.bar[wanted]] + rows.inside[wanted]
    for part, begin, length, pitch in zip(
        rows.part[wanted].tolist(), at.tolist(), rows.length[wanted].tolist(), rows.pitch[wanted].tolist()
    ):
        found[part][begin : begin + length] = pitch
    return found


def crossing(documents: Sequence[Ids], order: Sequence[int]) -> dict[tuple[int, int], int]:
    """(upper, lower) → of a thousand steps at which both sound, those at which they are crossed; pairs that are there.

    Args:
        documents: (n,) ids of each, without framing; the first LOOKED_AT short ones are looked at.
        order: The voices, those that are to be above others first.
    """
    together, crossed = Counter[tuple[int, int]](), Counter[tuple[int, int]]()
    for ids in [each for each in documents if 0 < len(each) <= LONGEST_DOCUMENT][:LOOKED_AT]:
        apart = Apart.of(ids)
        voices = [part for part in order if part in apart.parts]
        if not 2 <= len(voices) <= MOST_VOICES or not apart.heads:
            continue
        grid = sounds(apart, voices, np.concatenate([[0], np.cumsum(_bar_steps(apart))]))
        for pair in combinations(voices, 2):
            upper, lower = (grid[part] for part in pair)
            both = (upper >= 0) & (lower >= 0)
            together[pair] += int(both.sum())
            crossed[pair] += int((both & (upper < lower)).sum())
    return {pair: 1000 * crossed[pair] // count for pair, count in together.items() if count}


def _bar_steps(apart: Apart) -> list[int]:
    """The length of each bar, by what bars say of themselves."""
    found, now = list[int](), v.WHOLE
    for head in apart.heads:
        token = head.tolist()
        said = [place for place, each in enumerate(token) if v.METER <= each < v.TEMPO]
        if said and token[said[0]] < v.METER + v.OTHER:
            now = v.bar_steps(*v.METERS[token[said[0]] - v.METER])
        elif said:
            over, power = (each - v.POS for each in token[said[0] + 1 : said[0] + 3])
            now = v.bar_steps(over, 1 << power)
        found.append(now)
    return found
