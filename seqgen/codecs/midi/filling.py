"""A stretch of time in a performance: what is around it, what may fill it, and the piece with it filled.

All of it follows from the file and the two instants, so that a take keeps no more than these besides its tokens.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs import Ids, Mask
from seqgen.codecs.midi import grammar as g
from seqgen.codecs.midi import vocabulary as v
from seqgen.codecs.midi.decoding import TICKS_PER_STEP, decode_score
from seqgen.codecs.midi.finishing import ticks_at
from seqgen.codecs.midi.hole import TimeGrammar, Times
from seqgen.errors import CorpusError, UsageError
from seqgen.infilling import Signs
from seqgen.music.faults import Faults
from seqgen.music.read import read_score
from seqgen.music.score import DRUMS, MAX_SECONDS, Score
from seqgen.music.write import write_score
from seqgen.report import Report

if TYPE_CHECKING:
    from seqgen.codecs.midi.performance import Midi

WIDER = 2  # semitones beyond the range that a program has in the piece
LONGEST_LEAD = v.LONGEST_REST // 2  # steps of silence before a hole that are told as such
CLOSING = 64  # tokens, more than bring a minute to its end


@dataclass(frozen=True, eq=False)
class TimeHole:
    """A stretch of time in a piece; what is struck in it is made anew.

    Attributes:
        data: The file.
        codec: What tells it.
        begin, end: In steps from the beginning of the piece, the second being outside.
    """

    data: bytes
    codec: "Midi"
    begin: int
    end: int

    @classmethod
    def between(cls, codec: "Midi", data: bytes, seconds: tuple[float, float]) -> "TimeHole":
        """See `Codec.hole_of_seconds`."""
        begin, end = (round(min(each, MAX_SECONDS) * v.SECOND) for each in seconds)
        if begin >= end:
            raise UsageError(f"the hole from {seconds[0]:g} to {seconds[1]:g} s is empty", "10 ms are the least")
        made = cls(data, codec, begin, end)
        if not len(made.score):
            raise CorpusError("the piece holds no note", "name a file with music around the hole")
        if begin > made.onsets[-1]:
            last = made.onsets[-1] / v.SECOND
            said = f"nothing is struck at {seconds[0]:g} s or later: the last note of the piece begins at {last:g} s"
            raise UsageError(said, "seqgen generate --prompt-file goes on behind its end")
        return made

    @classmethod
    def restored(cls, hole: Mapping[str, Any], codec: "Midi") -> "TimeHole":
        """What `kept` tells of. Raises ValueError, LookupError or TypeError where that makes no sense."""
        begin, end = (int(each) for each in hole["steps"])
        made = cls(base64.b64decode(hole["file"], validate=True), codec, begin, end)
        if not (0 <= begin < end <= MAX_SECONDS * v.SECOND and len(made.score) and begin <= made.onsets[-1]):
            raise ValueError("a stretch of time that is not there")
        return made

    def kept(self) -> Mapping[str, Any]:
        """All that it is, as plain JSON data."""
        return {"file": base64.b64encode(self.data).decode("ascii"), "steps": [self.begin, self.end]}

    @property
    def said(self) -> str:
        """Where it is, for people."""
        return f"{self.begin / v.SECOND:g} to {self.end / v.SECOND:g} s"

    @property
    def ending(self) -> int:
        """Tokens at most from where it is brought to its end: each minute may need notes that part it."""
        return CLOSING * (2 + (self.times.last - self.times.first) // v.LONGEST_REST)

    @cached_property
    def score(self) -> Score:
        """The piece, its pedal apart."""
        return read_score(self.data, Report(), fold_pedal=False)

    @cached_property
    def ids(self) -> Ids:
        """(n,) the whole piece as tokens."""
        return self.codec.of_score(self.codec.read(self.data, Report()), Faults(None))

    @cached_property
    def steps(self) -> NDArray[np.int64]:
        """(N,) the step at which each note of the score is struck."""
        return np.rint(self.score.seconds(self.score.onset) * v.SECOND).astype(np.int64)

    @cached_property
    def onsets(self) -> NDArray[np.int64]:
        """(K,) the steps at which notes are struck."""
        return np.unique(self.steps)

    @cached_property
    def _told(self) -> tuple[int, int]:
        """(where in the tokens what comes before the hole ends, where what follows it begins)."""
        rest = np.diff(self.onsets, prepend=0)
        told = np.cumsum(np.minimum(rest, v.LONGEST_REST))  # as the tokens count: long rests are cut
        now, moves = np.cumsum(v.STEPS[self.ids]), (self.ids >= v.SHIFT) & (self.ids < v.INST)
        content = ~moves
        content[:2] = False  # DENSITY and REMAIN
        places = []
        for limit in (self.begin, self.end):
            which = int(np.searchsorted(self.onsets, limit))
            behind = np.flatnonzero(content & (now >= told[which])) if which < len(told) else np.zeros(0, np.int64)
            places.append(int(behind[0]) if len(behind) else len(self.ids))
        left, right = places
        while left > 0 and moves[left - 1]:
            left -= 1
        return left, right

    @property
    def left(self) -> Ids:
        """What is told before it, up to the last notes."""
        return self.ids[: self._told[0]]

    @property
    def right(self) -> Ids:
        """What is told behind it, from the first notes on."""
        return self.ids[self._told[1] :]

    @property
    def was(self) -> int:
        """Tokens that stand in it."""
        return self._told[1] - self._told[0]

    @cached_property
    def _origin(self) -> int:
        """The step from which a filling counts: that of the last notes before it, but no more than half a minute."""
        before = self.onsets[self.onsets < self.begin]
        return max(int(before[-1]) if len(before) else 0, self.begin - LONGEST_LEAD)

    @cached_property
    def times(self) -> Times:
        """When things may happen, counted from the origin."""
        origin, after = self._origin, self.onsets[self.onsets >= self.end]
        first, end = self.begin - origin, self.end - origin
        if not len(after):
            last = int(self.onsets[-1]) - origin
            sounds = round(float(self.score.seconds(self.score.onset + self.score.duration).max()) * v.SECOND)
            return Times(first, last, max(min(end, sounds - origin), last + 1), None, last)
        until = min(int(after[0]) - origin, end - 1 + v.LONGEST_REST)
        rests = np.minimum(np.diff(after), v.LONGEST_REST)
        return Times(first, end - 1, end, until, until + int(rests.sum()))

    def grammar(self, bounds: Mapping[str, int], seen: Mask | None, length: int) -> TimeGrammar:
        """What may fill it."""
        inner = self.codec.within(bounds, seen)
        state = inner.start()
        for token in self.left.tolist():
            state = inner.step(state, token)
        if len(self.left) <= 2:
            state = state._replace(phase=g.TICK)
        score, pitches = self.score, np.arange(128)
        programs, ranges, drums = np.zeros(128, np.bool_), np.zeros((128, 128), np.bool_), np.zeros(128, np.bool_)
        for program in np.unique(score.program).tolist():
            own = score.pitch[score.program == program]
            if program == DRUMS:
                drums[own] = True
            else:
                programs[program] = True
                ranges[program] = (pitches >= int(own.min()) - WIDER) & (pitches <= int(own.max()) + WIDER)
        if seen is not None:
            known = ranges & seen[v.PITCH : v.DUR]
            ranges = np.where(known.any(axis=1, keepdims=True), known, ranges)
        return TimeGrammar(inner, state, self.times, programs, ranges, drums, length)

    def joined(self, prompt: NDArray[Any], ids: NDArray[Any], signs: Signs | None) -> bytes:
        """The piece as a file, with what (m,) ids say in the hole."""
        score, kept = self.score, (self.steps < self.begin) | (self.steps >= self.end)
        made, part = self._made(np.asarray(ids))
        names = ("onset", "duration", "pitch", "velocity", "program")
        old = np.stack([getattr(score, name).astype(np.int64)[kept] for name in names], axis=1)
        free = ~_clashing(old, made)
        rest = {name: getattr(score, name) for name in ("tempo_tick", "tempo", "meter_tick", "meter", "kit", "length")}
        whole = Score.from_notes(
            score.ticks_per_quarter, np.concatenate([old, made[free]]), title=score.title, pedal=score.pedal,
            part=np.concatenate([score.part[kept], part[free]]), names=score.names, **rest,
        )  # fmt: skip
        return write_score(whole)

    def _made(self, ids: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(K, 5) the notes that ids tell of, in the ticks of the piece, and (K,) their parts."""
        score, left = self.score, self.left
        kinds = ((v.INST, v.VEL), (v.VEL, v.PITCH))
        state = [left[(left >= low) & (left < high)][-1:] for low, high in kinds]
        own = np.concatenate([*state, ids[ids < v.SIZE]]).astype(np.uint16)
        new = decode_score(own, Faults(None))
        step, length = (each // TICKS_PER_STEP + at for each, at in ((new.onset, self._origin), (new.duration, 0)))
        inside = (step >= self.begin) & (step < self.end) & np.isin(new.program, score.program)
        tempo = np.stack((score.tempo_tick, score.tempo), 1)
        stop = np.minimum(step + length, self.end)
        begin, end = (ticks_at(each / v.SECOND, score.ticks_per_quarter, tempo) for each in (step, stop))
        columns = (begin, np.maximum(end - begin, 1), new.pitch, new.velocity, new.program)
        made = np.stack([each.astype(np.int64)[inside] for each in columns], axis=1)
        first = {int(each): int(score.part[score.program == each][0]) for each in np.unique(score.program)}
        return made, np.array([first[program] for program in made[:, 4].tolist()], np.int64)


def _clashing(kept: NDArray[np.int64], made: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(K,) the new notes whose key sounds already in its program."""
    found = np.zeros(len(made), np.bool_)
    for place, (onset, duration, pitch, _, program) in enumerate(made.tolist()):
        same = (kept[:, 4] == program) & (kept[:, 2] == pitch)
        found[place] = bool((same & (kept[:, 0] < onset + duration) & (kept[:, 0] + kept[:, 1] > onset)).any())
    return found
