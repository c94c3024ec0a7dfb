"""A hole in a piece, bars or parts of it: what is around it, what may fill it, what becomes of it.

All of it follows from the file, the bars and the parts, so that a take keeps no more than these besides its tokens.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs import Ids, Mask
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.codecs.midi_bar.accompanying import Accompaniment
from seqgen.codecs.midi_bar.encoding import Rows
from seqgen.codecs.midi_bar.hole import BarHole
from seqgen.codecs.midi_bar.learned import Learned, learned_of
from seqgen.codecs.midi_bar.parting import Apart
from seqgen.codecs.midi_bar.piece import Piece
from seqgen.codecs.midi_bar.singing import Held, Singing, sung_before
from seqgen.codecs.midi_bar.voices import Voices, sounds
from seqgen.infilling import Signs
from seqgen.music.read import read_score
from seqgen.music.write import write_score
from seqgen.report import Report

if TYPE_CHECKING:
    from seqgen.codecs.midi_bar.codec import MidiBar

BAR_ENDS = 256  # tokens of a bar that is being brought to its end, at most
WIDER = 2  # semitones beyond the range that a part has in the piece


@dataclass(frozen=True, eq=False)
class ScoreHole:
    """A hole in a piece.

    Attributes:
        data: The file.
        codec: What tells it.
        first, last: Its bars, among those that are told, both included.
        parts: The PART tokens of the parts that are made, PARTS for drums; None: all, whatever plays.
        places: PART tokens by the number of the part, where they are others than the roster's.
        free: Whether voices that are made may cross, and move in fifths and octaves, though those of the corpus do not
            cross.
    """

    data: bytes
    codec: "MidiBar"
    first: int
    last: int
    parts: tuple[int, ...] | None = None
    places: Mapping[int, int] | None = None
    free: bool = False

    @classmethod
    def restored(cls, hole: Mapping[str, Any], codec: "MidiBar") -> "ScoreHole":
        """What `kept` tells of. Raises ValueError, LookupError or TypeError where that makes no sense."""
        first, last = (int(each) for each in hole["bars"])
        parts = None if hole["parts"] is None else tuple(int(each) for each in hole["parts"])
        places = None if hole["places"] is None else {int(key): int(slot) for key, slot in hole["places"].items()}
        made = cls(base64.b64decode(hole["file"], validate=True), codec, first, last, parts, places)
        slots = [*(parts or ()), *(places or {}).values()]
        if not 0 <= first <= last < made.piece.count or not all(0 <= slot <= v.PARTS for slot in slots):
            raise ValueError("bars or parts that are not there")
        return made

    def kept(self) -> Mapping[str, Any]:
        """All that it is, as plain JSON data."""
        return {
            "file": base64.b64encode(self.data).decode("ascii"),
            "bars": [self.first, self.last],
            "parts": None if self.parts is None else list(self.parts),
            "places": None if self.places is None else {str(part): slot for part, slot in self.places.items()},
        }

    @cached_property
    def piece(self) -> Piece:
        """The piece around it."""
        score = read_score(self.data, Report(), fold_pedal=False)
        heard = read_score(self.data, Report()) if len(score.pedal) else None
        if self.places is None:
            return Piece(score, self.codec.roster, None, heard)
        table = np.array([self.places.get(part, v.PARTS) for part in range(len(score.names))], np.int64)
        return Piece(score, self.codec.roster, table[score.part], heard)

    @property
    def ids(self) -> Ids:
        """(n,) the whole piece as tokens."""
        return self.piece.ids

    @property
    def ending(self) -> int:
        """Tokens at most from where bars are brought to their ends."""
        return BAR_ENDS * (self.last - self.first + 1)

    @property
    def said(self) -> str:
        """Where it is, for people."""
        bars = f"bar {self.first + 1}" if self.first == self.last else f"bars {self.first + 1} to {self.last + 1}"
        begin, end = (self.piece.bar_seconds(bar) for bar in (self.first, self.last + 1))
        return f"{bars}, {begin:.4g} to {end:.4g} s"

    @property
    def left(self) -> Ids:
        """What is told before it."""
        return self.piece.left(self.first)

    @property
    def right(self) -> Ids:
        """What is told behind it."""
        return self.piece.right(self.last + 1)

    @property
    def was(self) -> int:
        """Tokens that stand in it."""
        return len(self.piece.ids) - len(self.left) - len(self.right)

    @cached_property
    def meters(self) -> list[tuple[int, int]]:
        """The meter of each bar of the piece."""
        when = self.piece.when
        return [when.bars.meter[stretch] for stretch in when.bars.stretch(when.kept).tolist()]

    def grammar(self, bounds: Mapping[str, int], seen: Mask | None, length: int) -> BarHole:
        """What may fill bars of all parts."""
        inner, learned = self.codec.within(bounds, seen), learned_of(bounds)
        state = inner.start()
        for token in self.left.tolist():
            state = inner.step(state, token)
        bars = range(self.first, self.last + 1)
        heads = [self.piece.apart.heads[bar].tolist() if bar else [] for bar in bars]
        begins = self._begins
        sounding = [part for part in self.piece.apart.parts if part in learned.sounding]
        voices = None if self.free or not learned.above else Voices(learned.above, {})
        quiet = np.split(self._around(), begins[1:-1])[self.first : self.last + 1]
        singing = Singing(self._held(learned), quiet, sounding, voices)
        return BarHole(inner, state, heads, singing, sung_before(self.piece.apart, begins, self.first), length)

    def parts_grammar(
        self,
        bounds: Mapping[str, int],
        seen: Mask | None,
        signs: Signs,
        frame: int,
        document_id: int,
        size: int,
    ) -> Accompaniment:
        """What may be made of the parts, over the full vocabulary, from the first token of the document on.

        Args:
            bounds, seen: As in `Codec.within`.
            signs: The infilling tokens.
            frame: Tokens with which the document begins.
            document_id, size: Of the tokenizer, the latter its vocabulary's.
        """
        inner, learned = self.codec.within(bounds, seen), learned_of(bounds)
        assert self.parts is not None
        apart, parts = self.piece.apart, self.parts
        given = [bar.tolist() for bar in apart.given([part for part in apart.parts if part not in parts])]
        whole = [bar.tolist() for bar in apart.made(parts)]
        known = {bar: whole[bar] for bar in range(len(whole)) if not self.first <= bar <= self.last}
        sounding = [part for part in parts if part in learned.sounding]
        voices = None if self.free or not learned.above else self._voices(learned)
        singing = Singing(self._held(learned), self._quiet(parts), sounding, voices)
        return Accompaniment(inner, given, known, self.meters, singing, signs, frame, document_id, size)

    def _held(self, learned: Learned) -> Held:
        """What notes in the hole keep to: parts, programs and ranges of the piece, of new parts those of the corpus."""
        rows = self.piece.apart.rows
        present = self.piece.apart.parts
        parts = np.zeros(v.PARTS + 1, np.bool_)
        parts[list(present if self.parts is None else self.parts)] = True
        programs, ranges = learned.programs.copy(), learned.ranges.copy()
        for part in present:
            own = rows.part == part
            if part == v.PARTS or (self.parts is not None and self.first == 0 and self.last == self.piece.count - 1):
                continue  # nothing of what is made is there already
            programs[part] = np.isin(np.arange(128), rows.program[own])
            low, high = int(rows.pitch[own].min()) - WIDER, int(rows.pitch[own].max()) + WIDER
            ranges[part] = (np.arange(128) >= low) & (np.arange(128) <= high)
        return Held(parts, programs, ranges)

    def _voices(self, learned: Learned) -> Voices:
        """What its voices keep to among each other."""
        given = [part for part in self.piece.apart.parts if part < v.PARTS and part not in (self.parts or ())]
        return Voices(learned.above, sounds(self.piece.apart, given, self._begins))

    @cached_property
    def _begins(self) -> NDArray[np.int64]:
        """(bars + 1,) the step at which each bar begins, and the last one ends."""
        return np.concatenate([[0], np.cumsum([v.bar_steps(*meter) for meter in self.meters])]).astype(np.int64)

    def _around(self) -> NDArray[np.bool_]:
        """(steps,) whether the piece has not begun yet, or is over."""
        rows, begins = self.piece.apart.rows, self._begins
        own = (rows.part >= 0) & (rows.part < v.PARTS)
        at = begins[rows.bar[own]] + rows.inside[own]
        outside = np.ones(int(begins[-1]), np.bool_)
        if len(at):
            outside[int(at.min()) : int((at + rows.length[own]).max())] = False
        return outside

    def _quiet(self, parts: Sequence[int]) -> list[NDArray[np.bool_]]:
        """For each bar, (steps,) whether no part sounds that is given."""
        rows, begin = self.piece.apart.rows, self._begins
        sounds = np.zeros(int(begin[-1]), np.bool_)
        given = (rows.part >= 0) & (rows.part < v.PARTS) & ~np.isin(rows.part, parts)
        at = begin[rows.bar[given]] + rows.inside[given]
        for first, length in zip(at.tolist(), rows.length[given].tolist()):
            sounds[first : first + length] = True
        return [~sounds[first:end] for first, end in zip(begin[:-1].tolist(), begin[1:].tolist())]

    def joined(self, prompt: NDArray[Any], ids: NDArray[Any], signs: Signs | None) -> bytes:
        """The piece as a file, with what (m,) ids say in the hole; `prompt` is what was read before them."""
        piece = self.piece
        inside = (piece.bar >= self.first) & (piece.bar <= self.last)
        if self.parts is None:
            own = np.asarray(ids)[np.asarray(ids) < v.SIZE]
            rows, gone = Apart.of(np.concatenate([self.left, own.astype(self.left.dtype)])).rows, inside
        else:
            assert signs is not None
            rows = Apart.of(made_bars(np.concatenate([prompt, ids]).astype(np.int64), signs)).rows
            gone = inside & np.isin(piece.slots, self.parts)
        return write_score(piece.with_notes(gone, self._within(rows)))

    def _within(self, rows: Rows) -> Rows:
        """The notes that lie in the hole."""
        kept = (rows.part >= 0) & (rows.bar >= self.first) & (rows.bar <= self.last)
        kept &= True if self.parts is None else np.isin(rows.part, self.parts)
        return Rows(*(getattr(rows, name)[kept] for name in Rows.__dataclass_fields__))


def made_bars(ids: NDArray[np.int64], signs: Signs) -> Ids:
    """(n,) ids of the bars that are made in a document in parts."""
    kind = np.where(ids == signs.made, 1, np.where((ids == signs.given) | (ids >= v.SIZE), 0, -1))
    at = np.maximum.accumulate(np.where(kind >= 0, np.arange(len(ids)), 0))
    return np.asarray(ids[(kind[at] == 1) & (ids < v.SIZE)].astype(np.uint16))
