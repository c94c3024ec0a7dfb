"""What a codec of music has to know so that a piece can be held to `Controls` and go on from a primer."""

import abc
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs import Ids, Mask
from seqgen.codecs._grammar import LeaningGrammar
from seqgen.codecs.midi.codec import ScoreCodec
from seqgen.media import Timing
from seqgen.music.controls import Controls
from seqgen.music.played import Playing
from seqgen.music.score import DRUMS, Score


class ControlledCodec(ScoreCodec):
    """A codec of music that can be steered. Prompts are (n,) ids without framing.

    Class attributes:
        has_meters: Whether its tokens know meters, so that one can be asked for.
        programs, velocities, drums: The tokens of these kinds, by number.
        needed: The kinds besides of each of which a note of any program takes a token.
    """

    has_meters: ClassVar[bool] = False
    programs: ClassVar[slice]
    velocities: ClassVar[slice]
    drums: ClassVar[slice]
    needed: ClassVar[tuple[slice, ...]]

    def steerable(self) -> "ControlledCodec":
        return self

    def sounding(self, counts: NDArray[Any]) -> frozenset[int]:
        """The programs, and DRUMS, of tokens that occur (vocab_size,) so often."""
        pitched = np.flatnonzero(counts[self.programs]).tolist()
        return frozenset({*pitched, *({DRUMS} if counts[self.drums].any() else set[int]())})

    def loudness(self, prompt: Ids) -> tuple[int, int] | None:
        """The lowest and the highest velocity of a prompt."""
        first, end = self.velocities.start, self.velocities.stop
        level = prompt[(prompt >= first) & (prompt < end)].astype(np.int64) - first
        wide = 128 // (end - first)  # each token stands for so many velocities, the middle one of which is played
        return (int(level.min()) * wide + wide // 2, int(level.max()) * wide + wide // 2) if len(level) else None

    def freed(self, seen: Mask, programs: frozenset[int]) -> Mask:
        """(vocab_size,) the tokens that were seen, and those of programs that are asked for."""
        mask = seen.copy()
        for program in programs:
            if program != DRUMS:
                mask[self.programs.start + program] = True
            for kind in (self.drums,) if program == DRUMS else self.needed:
                mask[kind] |= not seen[kind].any()
        return mask

    @abc.abstractmethod
    def encode_prompt_before(self, data: bytes, seconds: float) -> Ids:
        """(n,) ids of a primer whose countdown leaves so much time for what is to follow it."""

    @abc.abstractmethod
    def steered(
        self, controls: Controls, prompts: Sequence[Ids], bounds: Mapping[str, int], seen: Mask | None
    ) -> LeaningGrammar:
        """The grammar that keeps to controls after prompts; `bounds` and `seen` are those of `Codec.within`.

        Raises:
            UsageError: The prompts are of different lengths, or what is asked for cannot be.
        """

    @property
    def part_names(self) -> Sequence[str]:
        """What the parts are called whose names have tokens of their own, by number; none, as here."""
        return ()

    @abc.abstractmethod
    def playing(self) -> Playing:
        """A new document that is read token by token, as it is played."""

    @abc.abstractmethod
    def timing(self, primer: Score | None, tempo: float | None, seconds: float | None) -> Timing | None:
        """What a file says of time besides its tokens: a primer's own, and what is asked for. None: nothing."""

    @abc.abstractmethod
    def finished(self, prompt: Ids, ids: Ids, timing: Timing | None, with_prompt: bool) -> bytes:
        """The file of a prompt and (m,) ids that follow it, or of these alone."""

    @abc.abstractmethod
    def tokens_of_bars(self, counts: NDArray[Any], bars: int, bar_seconds: float) -> float:
        """About how many tokens so many bars are in a corpus in which tokens occur (vocab_size,) so often."""
