"""What every codec of music shares: files in, MIDI out, a `Score` between. Knows no vocabulary."""

import abc
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from seqgen.codecs import Codec, Ids
from seqgen.media import Medium
from seqgen.music.chunks import is_midi
from seqgen.music.faults import Faults, refuse
from seqgen.music.medium import MUSIC
from seqgen.music.read import SUFFIXES, UNCERTAIN, documents, read_score
from seqgen.music.score import Score
from seqgen.music.write import write_score
from seqgen.report import Report

MAX_TOKENS = 8, 1000  # a file of n bytes of MIDI becomes 8 n + 1,000 tokens at most


class ScoreCodec(Codec):
    """A codec with a closed vocabulary that is told by two functions: score → ids and ids → score.

    Class attributes:
        tokens_per_byte: A MIDI file that would become more tokens a byte (and 1,000) is refused.
    """

    suffixes: ClassVar[tuple[str, ...]] = ()
    extra_suffixes: ClassVar[tuple[str, ...]] = SUFFIXES + UNCERTAIN
    suffix: ClassVar[str] = ".mid"
    medium: ClassVar[Medium] = MUSIC
    tokens_per_byte: ClassVar[int] = MAX_TOKENS[0]

    def __init__(self, options: Any) -> None:
        self._options = options

    @classmethod
    def fit(cls, documents: Iterable[bytes], options: Any) -> Self:
        return cls(options)

    @classmethod
    def restore(cls, options: Any, state: Mapping[str, Any]) -> Self:
        return cls(options)

    def state(self) -> dict[str, object]:
        return {}

    @property
    def options(self) -> Any:
        return self._options

    def documents(self, data: bytes) -> Sequence[bytes]:
        return documents(data)

    def boundary(self, data: bytes) -> int:
        return 0

    @abc.abstractmethod
    def of_score(self, score: Score, faults: Faults, *, ongoing: bool = False) -> Ids:
        """(N,) ids of a score; if `ongoing`, without what says that it ends."""

    @abc.abstractmethod
    def score(self, ids: Ids, report: Report | None = None) -> Score:
        """The score that (N,) ids stand for; tokens that make no sense are counted in `report`."""

    def read(self, data: bytes, report: Report | None) -> Score:
        """The score of a file, as `of_score` wants it."""
        return read_score(data, report)

    def encode(self, data: bytes, report: Report | None = None) -> Ids:
        ids = self.of_score(self.read(data, report), Faults(report))
        if len(ids) > self.tokens_per_byte * len(data) + MAX_TOKENS[1] and is_midi(data):
            refuse(0, f"music of {len(data):,} bytes would become {len(ids):,} tokens")
        return ids

    def encode_prompt(self, data: bytes) -> Ids:
        """(N,) ids of music that goes on; of a damaged prompt, what can be read."""
        report = Report()
        return self.of_score(self.read(data, report), Faults(report), ongoing=True)

    def decode(self, ids: Ids) -> bytes:
        return write_score(self.score(np.asarray(ids)))

    def normalize(self, data: bytes) -> bytes:
        return self.decode(self.encode(data))

    def token_bytes(self) -> None:
        return None
