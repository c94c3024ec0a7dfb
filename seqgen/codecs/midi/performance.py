"""Music as it is played: the performance codec, which counts time in seconds and knows no bars.

A document is

    DENSITY REMAIN { SHIFT… [REMAIN] { [INST] [VEL] PITCH DUR | [VEL] DRUM | [INST] PEDAL } }

- Time is quantised to steps of 10 ms *before* differences are taken, so that errors do not add up: an onset moves by
  at most 5 ms, anywhere in the piece. SHIFTs lead from one onset to the next: tens of seconds, seconds, hundredths.
- Within a step notes stand by program, then pitch; drums last. INST and VEL stand only where they change. A note has
  a duration instead of a note-off, so no note can be stuck.
- A key of a program sounds once at a time: of notes of one key at one step the longest is kept, and a key that is
  struck while it sounds ends its earlier note. Both are counted.
- DENSITY, once, first: notes a second from the first onset to the last, in eight classes.
- REMAIN, second: the time from the beginning to the last onset, in sixteen classes; and again, before the notes of
  a step, whenever the class has changed. REMAIN 0 stands before the last notes of a piece and before no others.
- The sustain pedal is folded into the durations, or (`pedal`) kept as tokens of its own, as far as the last onset.
- Rests between onsets beyond 60 s and notes beyond 20 s are cut, and counted. Velocities keep one of 32 levels,
  durations one of 64. Drums lose their durations. Tempo, meter and names are not kept.

`decode` writes 500 ticks a quarter note at 120 beats a minute: a tick is a millisecond.
Vocabulary after Oore et al. 2018 ("This Time with Feeling", p. 8), with durations in the place of note-offs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqgen import clock as c
from seqgen.codecs import Grammar, Ids, Mask, PageForm
from seqgen.codecs._grammar import LeaningGrammar
from seqgen.codecs.midi import vocabulary
from seqgen.codecs.midi.controlled import ControlledCodec
from seqgen.codecs.midi.decoding import by_token, decode_score, latest
from seqgen.codecs.midi.encoding import encode_score
from seqgen.codecs.midi.grammar import PerformanceGrammar
from seqgen.errors import UsageError
from seqgen.infilling import NO_CUT, Cuts, Signs
from seqgen.media import Timing
from seqgen.music.bounds import Bounds, most_together
from seqgen.music.controls import Controls
from seqgen.music.faults import Faults
from seqgen.music.played import Playing
from seqgen.music.programs import NAMES
from seqgen.music.read import SUFFIXES, UNCERTAIN, read_score
from seqgen.music.score import DRUMS, Score
from seqgen.report import Report
from seqgen.settings import option

if TYPE_CHECKING:
    from seqgen.codecs.midi.copy_key import MusicCopyKey
    from seqgen.codecs.midi.filling import TimeHole

TO_COME = 30 * vocabulary.SECOND  # what a prompt's countdown leaves for the music that is to follow it


@dataclass(frozen=True)
class MidiOptions:
    """Settings of the performance codec."""

    pedal: bool = option(False, "keep the sustain pedal as tokens instead of folding it into durations")


class Midi(ControlledCodec):
    """Music in seconds: notes with durations, many instruments, drums."""

    Options = MidiOptions
    programs = slice(vocabulary.INST, vocabulary.VEL)
    velocities = slice(vocabulary.VEL, vocabulary.PITCH)
    drums = slice(vocabulary.DRUM, vocabulary.PEDAL)
    needed = slice(vocabulary.PITCH, vocabulary.DUR), slice(vocabulary.DUR, vocabulary.DRUM)
    suffixes = SUFFIXES
    extra_suffixes = UNCERTAIN
    transposes = True

    @classmethod
    def suited(cls, documents: Iterable[bytes]) -> tuple[str, str]:
        from seqgen.music.metric import written

        count, total = written(documents)
        if 2 * count <= total:
            return "", "" if not total else f"the onsets of {total - count} of {total} pieces lie between their beats"
        return "midi_bar", f"the onsets of {count} of {total} pieces lie on their beats"

    @property
    def vocab_size(self) -> int:
        return vocabulary.SIZE

    def of_score(self, score: Score, faults: Faults, *, ongoing: bool = False) -> Ids:
        return encode_score(score, faults, TO_COME if ongoing else 0)

    def read(self, data: bytes, report: Report | None) -> Score:
        return read_score(data, report, fold_pedal=not self._options.pedal)

    def encode_prompt(self, data: bytes, to_come: int = TO_COME) -> Ids:
        """(N,) ids with a countdown to an end that is `to_come` steps away; of a damaged prompt, what can be read."""
        report = Report()
        return encode_score(self.read(data, report), Faults(report), to_come)

    def score(self, ids: Ids, report: Report | None = None) -> Score:
        """The score that (N,) ids stand for; tokens that make no sense are counted in `report`."""
        return decode_score(np.asarray(ids), Faults(report))

    def placed(self, ids: Ids) -> tuple[Score, NDArray[np.int64]]:
        return by_token(decode_score(np.asarray(ids), Faults(None), placed=True))

    def vocabulary(self) -> list[str]:
        return vocabulary.names()

    def augmentations(self, transpose: int, stretch: float, loudness: int) -> NDArray[np.int64]:
        from seqgen.codecs.midi.augmentation import tables  # not needed but for training

        return tables(transpose, stretch, loudness)

    def clock(self) -> c.Clock:
        """Bars by time, of 2.56 s each."""
        clock = c.silent(vocabulary.SIZE)
        clock[:, c.ADVANCE] = vocabulary.STEPS
        clock[vocabulary.PITCH : vocabulary.PEDAL, c.COUNTS] = 1
        return clock

    def cuts(self, ids: Ids) -> Cuts:
        """Any instant at which something is struck."""
        token = np.asarray(ids).astype(np.int64)
        shift = (token >= vocabulary.SHIFT) & (token < vocabulary.INST)
        found = np.full((1, len(token) + 1), NO_CUT, np.int64)
        found[0, 1:-1] = np.where(shift[:-1] & ~shift[1:], 0, NO_CUT)
        found[0, -1] = 0
        return found

    def hole_of_seconds(self, data: bytes, seconds: tuple[float, float], bounds: Mapping[str, int]) -> "TimeHole":
        from seqgen.codecs.midi.filling import TimeHole  # not needed but for holes

        return TimeHole.between(self, data, seconds)

    def filled(self, hole: Mapping[str, Any], prompt: NDArray[Any], ids: NDArray[Any], signs: Signs | None) -> bytes:
        from seqgen.codecs.midi.filling import TimeHole  # not needed but for holes

        return TimeHole.restored(hole, self).joined(prompt, ids, signs)

    def copy_key(self, framing: int) -> "MusicCopyKey":
        from seqgen.codecs.midi.copy_key import MusicCopyKey

        token = np.arange(vocabulary.SIZE)
        sounds = (token >= vocabulary.PITCH) & (token < vocabulary.PEDAL)
        moves = (token >= vocabulary.SHIFT) & (token < vocabulary.INST)
        return MusicCopyKey(framing, vocabulary.PITCH, sounds | moves)

    def grammar(self) -> PerformanceGrammar:
        return PerformanceGrammar(pedal=self._options.pedal)

    def page_form(self, grammar: Grammar | None) -> PageForm | None:
        if not isinstance(grammar, PerformanceGrammar):
            return None
        tables = {**vocabulary.page_form(), "instruments": list(NAMES)}
        return PageForm("midi", {**tables, "grammar": grammar.page_form()}, grammar=True, primer=True)

    def bounds(self, ids: Ids) -> dict[str, int]:
        token = np.asarray(ids).astype(np.int64)
        drum = (token >= vocabulary.DRUM) & (token < vocabulary.PEDAL)
        note = np.flatnonzero(drum | ((token >= vocabulary.PITCH) & (token < vocabulary.DUR)))
        moved = ((token >= vocabulary.SHIFT) & (token < vocabulary.INST)) | (token >= vocabulary.SIZE)
        program = latest(token, vocabulary.INST, vocabulary.VEL, 0)
        return most_together(np.cumsum(moved, dtype=np.int64)[note], np.where(drum, DRUMS, program)[note])

    def within(self, bounds: Mapping[str, int], seen: Mask | None = None) -> PerformanceGrammar:
        return PerformanceGrammar(pedal=self._options.pedal, bounds=Bounds.of(bounds), seen=seen)

    def encode_prompt_before(self, data: bytes, seconds: float) -> Ids:
        from seqgen.codecs.midi.steering import MIDDLE

        return self.encode_prompt(data, int(MIDDLE * seconds * vocabulary.SECOND))

    def steered(
        self, controls: Controls, prompts: Sequence[Ids], bounds: Mapping[str, int], seen: Mask | None
    ) -> LeaningGrammar:
        from seqgen.codecs.midi.steering import SteeredPerformance

        begins = {int(vocabulary.STEPS[prompt].sum()) for prompt in prompts}  # the last onset of each
        if len(begins) > 1:
            raise UsageError("prompts of different lengths cannot be steered together", "sample them one by one")
        return SteeredPerformance(self.within(bounds, seen), controls, begins.pop())

    def playing(self) -> Playing:
        from seqgen.codecs.midi.playing import PlayingPerformance  # not needed but for playing live

        return PlayingPerformance()

    def timing(self, primer: Score | None, tempo: float | None, seconds: float | None) -> Timing | None:
        from seqgen.codecs.midi.finishing import timing

        if primer is None:
            return timing(None, tempo)
        return timing(primer, tempo, float(primer.seconds(primer.onset[-1:])[0]))

    def finished(self, prompt: Ids, ids: Ids, timing: Timing | None, with_prompt: bool) -> bytes:
        from seqgen.codecs.midi.finishing import finished

        return finished(self, prompt, ids, timing, with_prompt)

    def tokens_of_bars(self, counts: NDArray[Any], bars: int, bar_seconds: float) -> float:
        steps = vocabulary.STEPS
        per_second = float(counts.sum()) * vocabulary.SECOND / max(int((counts[: len(steps)] * steps).sum()), 1)
        return bars * bar_seconds * per_second
