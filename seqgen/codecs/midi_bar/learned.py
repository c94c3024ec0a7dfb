"""What a corpus of scores shows of each part: its programs, its range, whether it is ever silent. Kept among bounds."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs.midi.decoding import latest
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.codecs.midi_bar.vocabulary import Ints
from seqgen.music.bounds import Bounds

PLAYED = "part {} as program {}"  # a bound that says no more than that there was such a part
DRUMS = "drums play"  # another
HIGH, LOW, SOUNDS = "part {} highest", "part {} lowest, from 127 down", "part {} sounds, per mille"
CROSSED = "part {} below part {}, per mille and one"
SELDOM = 60  # per mille of the time up to which two voices count as such that do not cross
APART = 4  # semitones between the middles of two voices that an earlier version did not compare
_CROSSED = re.compile(r"part (\d{1,3}) below part (\d{1,3}), per mille and one")
_OF_HOLES = re.compile(r"part \d{1,3} (highest|lowest, .*|sounds, .*|below .*)")
_PLAYED = re.compile(r"part (\d{1,3}) as program (\d{1,3})")
DIVIDED = 3  # notes of a part at once at most where parts are voices, which divide now and then
NEVER_SILENT = 950  # per mille of the time of its pieces from which on a part counts as one that never rests


@dataclass(frozen=True, eq=False)
class Learned:
    """What is known of parts.

    Attributes:
        played: (PARTS, 128) the programs that each had; none: it did not play.
        programs: The same; where nothing is known, any.
        ranges: (PARTS, 128) the pitches between its lowest and its highest; where nothing is known, any.
        sounding: The voices that never rest while others sound.
        drums: Whether there were drums; True where nothing is known.
        above: The pairs of voices of which the first stays above the second.
    """

    played: NDArray[np.bool_]
    programs: NDArray[np.bool_]
    ranges: NDArray[np.bool_]
    sounding: frozenset[int]
    drums: bool
    above: frozenset[tuple[int, int]] = frozenset()

    @classmethod
    def of(cls, bounds: Mapping[str, int], most_of_part: int) -> "Learned":
        """From bounds; `most_of_part` is how many notes of one part began together at most."""
        played = np.zeros((v.PARTS, 128), np.bool_)
        for name in bounds:
            if match := _PLAYED.fullmatch(name):
                played[int(match[1]) % v.PARTS, int(match[2]) % 128] = True
        ranges, pitch = np.ones((v.PARTS, 128), np.bool_), np.arange(128)
        for part in range(v.PARTS):
            high, low = bounds.get(HIGH.format(part)), bounds.get(LOW.format(part))
            if high is not None and low is not None:
                ranges[part] = (pitch <= high) & (pitch >= 127 - low)
        silent = {part for part in range(v.PARTS) if bounds.get(SOUNDS.format(part), 0) < NEVER_SILENT}
        sounding = frozenset(range(v.PARTS)) - silent if most_of_part <= DIVIDED else frozenset[int]()
        above = _above(bounds, ranges, sounding)
        drums = DRUMS in bounds or not played.any()
        return cls(played, np.where(played.any(), played, True), ranges, sounding, drums, above)


def of_holes(name: str) -> bool:
    """Whether a bound tells of a part what only music that fills a hole keeps to: its range, its rests, its order."""
    return _OF_HOLES.fullmatch(name) is not None


def learned_of(bounds: Mapping[str, int]) -> Learned:
    """What bounds say of parts."""
    return Learned.of(bounds, Bounds.of(bounds).part)


def of_parts(token: Ints) -> dict[str, int]:
    """What (N,) ids of whole documents show, framing being ids from SIZE on."""
    drum = (token >= v.DRUM) & (token < v.DUR)
    now = latest(token, v.PART, v.INST, 0)
    begun = np.concatenate(([False], (token[:-1] != v.BAR) & (token[:-1] < v.SIZE)))[: len(token)]  # else a kit
    said = np.flatnonzero((token >= v.INST) & (token < v.VEL) & begun)
    found = {
        PLAYED.format(*divmod(pair, 128)): 1 for pair in np.unique(now[said] * 128 + token[said] - v.INST).tolist()
    }
    if drum.any():
        found[DRUMS] = 1
    pitched = (token >= v.PITCH) & (token < v.DRUM)
    value = (token >= v.DUR) & (token < v.TIE)
    document = np.cumsum(token == v.SIZE)
    time = _time(token, document)
    for part in np.unique(now[pitched]).tolist():
        own = pitched & (now == part)
        pitch = token[own] - v.PITCH
        found[HIGH.format(part)], found[LOW.format(part)] = int(pitch.max()), 127 - int(pitch.min())
        lasts = value & (now == part) & ~drum
        steps = int(v.DURATIONS[token[lasts] - v.DUR].sum())
        there = int(time[np.unique(document[own])].sum())
        found[SOUNDS.format(part)] = min(1000 * steps // max(there, 1), 1000)
    return found | _crossing(token, found)


def _crossing(token: Ints, found: Mapping[str, int]) -> dict[str, int]:
    """How often each two of the voices that never rest are crossed, see `voices.crossing`."""
    from seqgen.codecs.midi_bar.voices import LOOKED_AT, crossing  # not needed to start

    middle = {
        part: found[HIGH.format(part)] - found[LOW.format(part)]
        for part in range(v.PARTS)
        if found.get(SOUNDS.format(part), 0) >= NEVER_SILENT
    }
    if len(middle) < 2:
        return {}
    order = sorted(middle, key=lambda part: -middle[part])
    begins = np.flatnonzero(token == v.SIZE)[: 4 * LOOKED_AT]
    pairs = crossing([each[each < v.SIZE].astype(np.uint16) for each in np.split(token, begins)], order)
    return {CROSSED.format(lower, upper): share + 1 for (upper, lower), share in pairs.items()}


def _above(
    bounds: Mapping[str, int], ranges: NDArray[np.bool_], sounding: frozenset[int]
) -> frozenset[tuple[int, int]]:
    """The pairs of voices of which the first stays above the second."""
    counted = any(_CROSSED.fullmatch(name) for name in bounds)
    found = set()
    for upper, lower in permutations(sounding, 2):
        share, other = (bounds.get(CROSSED.format(*pair)) for pair in ((lower, upper), (upper, lower)))
        middles = (float(np.flatnonzero(ranges[part]).mean()) for part in (upper, lower))
        far = next(middles) - next(middles) >= APART
        if (share is not None and share <= SELDOM + 1 and other is None) or (not counted and far):
            found.add((upper, lower))
    return frozenset(found)


def _time(token: Ints, document: Ints) -> Ints:
    """The steps of all bars of each document, by the number that tokens have."""
    kind = (token >= v.METER) & (token < v.METER + v.OTHER)
    lengths = np.array([v.bar_steps(*meter) for meter in v.METERS], np.int64)
    meters = latest(token, v.METER, v.METER + v.OTHER, 0)
    spelt = latest(token, v.METER, v.TEMPO, 0) == v.OTHER
    line = np.flatnonzero(token == v.BAR)
    after = np.minimum(line + 1, len(token) - 1)
    at = np.where(kind[after], after, line)  # the meter stands behind its bar line
    steps = np.where(spelt[at], v.WHOLE, lengths[meters[at]])
    return np.bincount(document[line], steps, minlength=int(document.max(initial=0)) + 1).astype(np.int64)
