"""Music as it is written: the score codec, which counts time in 24ths of a quarter note and knows bars.

A document is

    [INST] { BAR [METER] [REMAIN] { POS [TEMPO] { [PART] [INST] [VEL] PITCH DUR { TIE DUR } | [VEL] DRUM } } }

- Onsets and ends lie on steps of a 24th of a quarter note, which holds 32nds and triplets exactly: music on that grid
  comes back to the tick. A length that is no note value is one tied to others, so no note is cut (short of 256 bars).
- BAR leads to the next bar, whether it holds notes or not; after 16 empty ones a longer rest is cut, and counted. POS
  tells how far from the beginning of the bar. The first bar states METER and REMAIN, its beginning TEMPO; later ones
  stand where they change. A meter that begins inside a bar cuts that bar short with a meter of its own.
- At a position notes stand by part, program and pitch; drums, which are no part, last. PART and VEL stand only where
  they change, INST where the program of its part does. A part has 16 tokens to choose from: that of its name, where
  the corpus often has that name, else the next one (`roster`). Of more than 16 parts the least busy are joined.
- A key of one part sounds once at a time: struck again it ends, and of notes that begin together the longest stays.
- REMAIN counts the bars down to the last one in which a note begins: 0 stands before that bar and before no other.
- INST before the first bar is the kit of the drums, where it is not the standard one.
- The sustain pedal is folded into the lengths. Velocities keep one of 16 levels, tempos one of 48. Drums lose their
  lengths. Changes of tempo or meter after the last onset are not kept.

`decode` writes 480 ticks a quarter note: a step is 20 ticks. Vocabulary after Huang & Yang 2020 ("Pop Music
Transformer", p. 3), with bars counted down.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from seqgen.clock import LOOKBACK, Clock
from seqgen.codecs import Grammar, Ids, Mask, PageForm, sparse
from seqgen.codecs._grammar import LeaningGrammar
from seqgen.codecs.midi.controlled import ControlledCodec
from seqgen.codecs.midi.decoding import by_token, latest
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.codecs.midi_bar.clock import score_clock
from seqgen.codecs.midi_bar.decoding import decode_score
from seqgen.codecs.midi_bar.encoding import encode_score
from seqgen.codecs.midi_bar.grammar import ScoreGrammar
from seqgen.codecs.midi_bar.learned import learned_of, of_parts
from seqgen.codecs.midi_bar.roster import Roster
from seqgen.errors import DataError, UsageError
from seqgen.infilling import NO_CUT, PARTS, Cuts, Signs
from seqgen.media import Timing
from seqgen.music.bounds import Bounds, most_together
from seqgen.music.controls import Controls
from seqgen.music.faults import Faults
from seqgen.music.played import Playing
from seqgen.music.programs import NAMES
from seqgen.music.read import documents, read_score
from seqgen.music.score import DRUMS, Score
from seqgen.report import Report

if TYPE_CHECKING:
    from seqgen.codecs.midi.copy_key import MusicCopyKey
    from seqgen.codecs.midi_bar.filling import ScoreHole

NO_NAMES = Roster()
TO_COME = 16  # bars that a prompt's countdown leaves for the music that is to follow it
OF_A_BOOK = 8  # pieces of one file whose parts are looked at


@dataclass(frozen=True)
class MidiBarOptions:
    """The score codec has no settings."""


class MidiBar(ControlledCodec):
    """Music in bars: positions and note values, meters, tempos, many instruments, drums."""

    Options = MidiBarOptions
    has_meters = True
    memory = LOOKBACK
    with_counts = False  # beside look-back they gain notes nothing
    programs, velocities, drums = slice(v.INST, v.VEL), slice(v.VEL, v.PITCH), slice(v.DRUM, v.DUR)
    needed = slice(v.PART, v.INST), slice(v.PITCH, v.DRUM), slice(v.DUR, v.TIE)

    def __init__(self, options: MidiBarOptions, roster: Roster = NO_NAMES) -> None:
        super().__init__(options)
        self._roster = roster

    @classmethod
    def fit(cls, documents: Iterable[bytes], options: MidiBarOptions) -> Self:
        return cls(options, Roster.of(_scores(sparse(documents))))

    @classmethod
    def restore(cls, options: MidiBarOptions, state: Mapping[str, Any]) -> Self:
        if "parts" not in state:
            raise ValueError("its tokens are those of an older midi_bar, which had no parts")
        return cls(options, Roster.restored(state["parts"]))

    def state(self) -> dict[str, object]:
        return {"parts": list(self._roster.names)}

    @property
    def vocab_size(self) -> int:
        return v.SIZE

    def of_score(self, score: Score, faults: Faults, *, ongoing: bool = False) -> Ids:
        return encode_score(score, self._roster, faults, to_come=TO_COME if ongoing else 0)

    def score(self, ids: Ids, report: Report | None = None) -> Score:
        return decode_score(np.asarray(ids), self._roster, Faults(report))

    def placed(self, ids: Ids) -> tuple[Score, NDArray[np.int64]]:
        return by_token(decode_score(np.asarray(ids), self._roster, Faults(None), placed=True))

    def vocabulary(self) -> list[str]:
        return v.names()

    def grammar(self) -> ScoreGrammar:
        return ScoreGrammar()

    def bounds(self, ids: Ids) -> dict[str, int]:
        token = np.asarray(ids).astype(np.int64)
        drum = (token >= v.DRUM) & (token < v.DUR)
        note = np.flatnonzero(drum | ((token >= v.PITCH) & (token < v.DRUM)))
        moved = (token <= v.BAR) | ((token >= v.POS) & (token < v.PART)) | (token >= v.SIZE)
        now = latest(token, v.PART, v.INST, 0)
        part = np.where(drum, v.PARTS, now)
        return most_together(np.cumsum(moved, dtype=np.int64)[note], part[note]) | of_parts(token)

    def within(
        self, bounds: Mapping[str, int], seen: Mask | None = None, programs: frozenset[int] = frozenset()
    ) -> ScoreGrammar:
        """As every codec's; any part may have `programs`, which are asked for."""
        played = learned_of(bounds).played
        played[:, sorted(programs - {DRUMS})] |= played.any()
        return ScoreGrammar(Bounds.of(bounds), seen, played if played.any() else None)

    def drawable(self, seen: Mask) -> Mask:
        """The countdown passes through every class, and every bar has a beginning."""
        mask = seen.copy()
        mask[v.REMAIN :] = mask[v.BAR] = mask[v.POS] = True
        return mask

    def bar_similarity(self, documents: Iterable[Ids]) -> dict[str, float]:
        from seqgen.music.bar_similarity import Bars, by_lag  # not needed but for training

        scores = (self.score(ids) for ids in documents)
        return {str(lag): mean for lag, mean in by_lag(Bars.of(score) for score in scores if len(score)).items()}

    def page_form(self, grammar: Grammar | None) -> PageForm | None:
        if not isinstance(grammar, ScoreGrammar):
            return None
        names = {"names": list(self._roster.names), "instruments": list(NAMES)}
        return PageForm(
            "midi_bar", {**v.page_form(), **names, "grammar": grammar.page_form()}, grammar=True, primer=True
        )

    def augmentations(self, transpose: int, stretch: float, loudness: int) -> NDArray[np.int64]:
        from seqgen.codecs.midi_bar.augmentation import tables  # not needed but for training

        return tables(transpose, stretch, loudness)

    def clock(self) -> Clock:
        return score_clock()

    @property
    def signs(self) -> tuple[str, ...]:
        return PARTS

    def in_parts(self, ids: Ids, draws: Sequence[float], signs: Signs) -> Ids | None:
        from seqgen.codecs.midi_bar.parting import in_parts  # not needed but for training

        return in_parts(ids, draws, signs)

    def score_hole(
        self, data: bytes, bars: tuple[int, int] | None, parts: Sequence[str] | None, bounds: Mapping[str, int]
    ) -> "ScoreHole":
        from seqgen.codecs.midi_bar.casting import hole_in  # not needed but for holes

        return hole_in(self, data, bars, parts, bounds)

    def heard_parts(self, bounds: Mapping[str, int]) -> list[str]:
        from seqgen.codecs.midi_bar.casting import heard_names  # not needed but for holes

        return heard_names(self._roster, bounds)

    def hole_of_seconds(self, data: bytes, seconds: tuple[float, float], bounds: Mapping[str, int]) -> "ScoreHole":
        from seqgen.codecs.midi_bar.casting import hole_of_seconds  # not needed but for holes

        return hole_of_seconds(self, data, seconds)

    def filled(self, hole: Mapping[str, Any], prompt: NDArray[Any], ids: NDArray[Any], signs: Signs | None) -> bytes:
        from seqgen.codecs.midi_bar.filling import ScoreHole  # not needed but for holes

        return ScoreHole.restored(hole, self).joined(prompt, ids, signs)

    @property
    def roster(self) -> Roster:
        """The parts that its tokens stand for."""
        return self._roster

    def cuts(self, ids: Ids) -> Cuts:
        """Bar lines; in the first bar, behind what it says of itself."""
        token = np.asarray(ids).astype(np.int64)
        found = np.full((1, len(token) + 1), NO_CUT, np.int64)
        found[0, np.flatnonzero(token == v.BAR)] = found[0, -1] = 0
        tempo = np.flatnonzero((token >= v.TEMPO) & (token < v.POS))
        if len(tempo) and int((token[: tempo[0]] == v.BAR).sum()) == 1 and token[0] in (v.BAR, *range(v.INST, v.VEL)):
            found[0, : tempo[0] + 1] = NO_CUT
            found[0, tempo[0] + 1] = 0
        return found

    def copy_key(self, framing: int) -> "MusicCopyKey":
        from seqgen.codecs.midi.copy_key import MusicCopyKey

        token = np.arange(v.SIZE)
        moves = (token == v.BAR) | ((token >= v.POS) & (token < v.PART))
        return MusicCopyKey(framing, v.PITCH, moves | ((token >= v.PITCH) & (token < v.REMAIN)))

    def encode_prompt_before(self, data: bytes, seconds: float) -> Ids:
        report = Report()
        score = self.read(data, report)
        if not len(score):
            return np.zeros(0, np.uint16)
        bars = max(1, round(seconds / score.last_bar_seconds))
        return encode_score(score, self._roster, Faults(report), to_come=bars)

    def steered(
        self, controls: Controls, prompts: Sequence[Ids], bounds: Mapping[str, int], seen: Mask | None
    ) -> LeaningGrammar:
        from seqgen.codecs.midi_bar.form import FormedScore
        from seqgen.codecs.midi_bar.steering import SteeredScore

        begins = {int((prompt == v.BAR).sum()) for prompt in prompts}
        if len(begins) > 1:
            raise UsageError("prompts of different lengths cannot be steered together", "sample them one by one")
        grammar = self.within(bounds, seen, controls.programs or frozenset())
        steered = SteeredScore(grammar, controls, begins.pop(), seen)
        return steered if controls.form is None else FormedScore(steered, controls.form)

    @property
    def part_names(self) -> Sequence[str]:
        return self._roster.names

    def playing(self) -> Playing:
        from seqgen.codecs.midi_bar.playing import PlayingScore  # not needed but for playing live

        return PlayingScore()

    def timing(self, primer: Score | None, tempo: float | None, seconds: float | None) -> Timing | None:
        from seqgen.codecs.midi_bar.finishing import timing

        found = timing(primer, tempo, seconds)
        titles = {} if primer is None else self._roster.titles(primer)
        return {**(found or {}), "names": titles} if titles else found

    def finished(self, prompt: Ids, ids: Ids, timing: Timing | None, with_prompt: bool) -> bytes:
        from seqgen.codecs.midi_bar.finishing import finished

        begin, roster = 0, self._roster.calling((timing or Timing()).get("names", {}))
        if len(prompt):  # where the next bar begins, a mark in it tells
            mark = np.append(prompt, [v.BAR, v.POS, v.DRUM])
            begin = int(self.score(mark).onset.max())
        score = decode_score(np.concatenate([prompt, ids]), roster, Faults(None))
        return finished(score, timing, begin, with_prompt)

    def tokens_of_bars(self, counts: NDArray[Any], bars: int, bar_seconds: float) -> float:
        return bars * float(counts.sum()) / max(int(counts[v.BAR]), 1)


def _scores(files: Iterable[bytes]) -> Iterator[Score]:
    """The first pieces of files, as far as they can be read."""
    for data in files:
        for piece in documents(data)[:OF_A_BOOK]:
            with contextlib.suppress(DataError):
                yield read_score(piece, Report())
