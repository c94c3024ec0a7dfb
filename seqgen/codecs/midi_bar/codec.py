"""Music as it is written: the score codec, which counts time in 24ths of a quarter note and knows bars.

A document is

    [INST] { BAR [METER] [REMAIN] { POS [TEMPO] { [INST] [VEL] PITCH DUR { TIE DUR } | [VEL] DRUM } } }

- Onsets and ends lie on steps of a 24th of a quarter note, which holds 32nds and triplets exactly: music on that grid
  comes back to the tick. A length that is no note value is one tied to others, so no note is cut (short of 256 bars).
- BAR leads to the next bar, whether it holds notes or not; after 16 empty ones a longer rest is cut, and counted. POS
  tells how far from the beginning of the bar. The first bar states METER and REMAIN, its beginning TEMPO; later ones
  stand where they change. A meter that begins inside a bar cuts that bar short with a meter of its own.
- At a position notes stand by program, then pitch, then length; drums last. INST and VEL stand only where they change.
- REMAIN counts the bars down to the last one in which a note begins: 0 stands before that bar and before no other.
- INST before the first bar is the kit of the drums, where it is not the standard one.
- The sustain pedal is folded into the lengths. Velocities keep one of 16 levels, tempos one of 48. Drums lose their
  lengths. Names are not kept, nor are changes of tempo or meter after the last onset.

`decode` writes 480 ticks a quarter note: a step is 20 ticks. Vocabulary after Huang & Yang 2020 ("Pop Music
Transformer", p. 3), with bars counted down.
"""

from dataclasses import dataclass

import numpy as np

from seqgen.codecs import Ids
from seqgen.codecs.midi.codec import ScoreCodec
from seqgen.codecs.midi.faults import Faults
from seqgen.codecs.midi.score import Score
from seqgen.codecs.midi_bar import vocabulary
from seqgen.codecs.midi_bar.decoding import decode_score
from seqgen.codecs.midi_bar.encoding import encode_score
from seqgen.codecs.midi_bar.grammar import ScoreGrammar
from seqgen.report import Report


@dataclass(frozen=True)
class MidiBarOptions:
    """The score codec has no settings."""


class MidiBar(ScoreCodec):
    """Music in bars: positions and note values, meters, tempos, many instruments, drums."""

    Options = MidiBarOptions

    @property
    def vocab_size(self) -> int:
        return vocabulary.SIZE

    def of_score(self, score: Score, faults: Faults, *, ongoing: bool = False) -> Ids:
        return encode_score(score, faults, ongoing=ongoing)

    def score(self, ids: Ids, report: Report | None = None) -> Score:
        return decode_score(np.asarray(ids), Faults(report))

    def vocabulary(self) -> list[str]:
        return vocabulary.names()

    def grammar(self) -> ScoreGrammar:
        return ScoreGrammar()
