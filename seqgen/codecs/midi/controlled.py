"""What a codec of music has to know so that a piece can be held to `Controls` and go on from a primer."""

import abc
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from numpy.typing import NDArray

from seqgen.codecs import Grammar, Ids, Mask
from seqgen.codecs.midi.codec import ScoreCodec
from seqgen.media import Timing
from seqgen.music.controls import Controls
from seqgen.music.score import Score


class ControlledCodec(ScoreCodec):
    """A codec of music that can be steered. Prompts are (n,) ids without framing.

    Class attributes:
        has_meters: Whether its tokens know meters, so that one can be asked for.
    """

    has_meters: ClassVar[bool] = False

    def steerable(self) -> "ControlledCodec":
        return self

    @abc.abstractmethod
    def sounding(self, counts: NDArray[Any]) -> frozenset[int]:
        """The programs, and DRUMS, of tokens that occur (vocab_size,) so often."""

    @abc.abstractmethod
    def loudness(self, prompt: Ids) -> tuple[int, int] | None:
        """The lowest and the highest velocity of a prompt."""

    @abc.abstractmethod
    def freed(self, seen: Mask, programs: frozenset[int]) -> Mask:
        """(vocab_size,) the tokens that were seen, and those of programs that are asked for."""

    @abc.abstractmethod
    def encode_prompt_before(self, data: bytes, seconds: float) -> Ids:
        """(n,) ids of a primer whose countdown leaves so much time for what is to follow it."""

    @abc.abstractmethod
    def steered(
        self, controls: Controls, prompts: Sequence[Ids], bounds: Mapping[str, int], seen: Mask | None
    ) -> Grammar:
        """The grammar that keeps to controls after prompts; `bounds` and `seen` are those of `Codec.within`.

        Raises:
            UsageError: The prompts are of different lengths, or what is asked for cannot be.
        """

    @abc.abstractmethod
    def timing(self, primer: Score | None, tempo: float | None, seconds: float | None) -> Timing | None:
        """What a file says of time besides its tokens: a primer's own, and what is asked for. None: nothing."""

    @abc.abstractmethod
    def finished(self, prompt: Ids, ids: Ids, timing: Timing | None, with_prompt: bool) -> bytes:
        """The file of a prompt and (m,) ids that follow it, or of these alone."""

    @abc.abstractmethod
    def tokens_of_bars(self, counts: NDArray[Any], bars: int, bar_seconds: float) -> float:
        """About how many tokens so many bars are in a corpus in which tokens occur (vocab_size,) so often."""
