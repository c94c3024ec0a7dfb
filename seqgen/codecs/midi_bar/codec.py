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
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from seqgen.codecs import Ids, sparse
from seqgen.codecs.midi.codec import ScoreCodec, documents
from seqgen.codecs.midi.faults import Faults
from seqgen.codecs.midi.read import read_score
from seqgen.codecs.midi.score import Score
from seqgen.codecs.midi_bar import vocabulary
from seqgen.codecs.midi_bar.decoding import decode_score
from seqgen.codecs.midi_bar.encoding import encode_score
from seqgen.codecs.midi_bar.grammar import ScoreGrammar
from seqgen.codecs.midi_bar.roster import Roster
from seqgen.errors import DataError
from seqgen.report import Report

NO_NAMES = Roster()
OF_A_BOOK = 8  # pieces of one file whose parts are looked at


@dataclass(frozen=True)
class MidiBarOptions:
    """The score codec has no settings."""


class MidiBar(ScoreCodec):
    """Music in bars: positions and note values, meters, tempos, many instruments, drums."""

    Options = MidiBarOptions

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

    def state(self) -> dict[str, Any]:
        return {"parts": list(self._roster.names)}

    @property
    def vocab_size(self) -> int:
        return vocabulary.SIZE

    def of_score(self, score: Score, faults: Faults, *, ongoing: bool = False) -> Ids:
        return encode_score(score, self._roster, faults, ongoing=ongoing)

    def score(self, ids: Ids, report: Report | None = None) -> Score:
        return decode_score(np.asarray(ids), self._roster, Faults(report))

    def vocabulary(self) -> list[str]:
        return vocabulary.names()

    def grammar(self) -> ScoreGrammar:
        return ScoreGrammar()


def _scores(files: Iterable[bytes]) -> Iterator[Score]:
    """The first pieces of files, as far as they can be read."""
    for data in files:
        for piece in documents(data)[:OF_A_BOOK]:
            with contextlib.suppress(DataError):
                yield read_score(piece, Report())
