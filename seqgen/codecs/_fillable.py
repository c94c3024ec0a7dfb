"""What a codec says of holes in its documents: where one may be, what may fill it, and what file becomes of it."""

import abc
import base64
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs._cuts import Edges, edges, text_cuts
from seqgen.codecs._grammar import EndingGrammar
from seqgen.errors import UsageError
from seqgen.infilling import HOLES, Cuts, Signs

if TYPE_CHECKING:
    from seqgen.codecs.midi.filling import TimeHole
    from seqgen.codecs.midi_bar.filling import ScoreHole

Ids = NDArray[np.unsignedinteger[Any]]


RETURNS = "returns"  # in what a take keeps of a hole


def with_returns(text: bytes) -> bytes:
    """A text whose lines end in LF, with CR LF."""
    return text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


class Fillable(abc.ABC):
    """A part of every codec. Its defaults are those of text, and of codecs of which nothing is known."""

    @abc.abstractmethod
    def decode(self, ids: Ids) -> bytes:
        """A document from (N,) ids. Never raises on ids in [0, vocab_size)."""

    @abc.abstractmethod
    def token_bytes(self) -> list[bytes] | None:
        """(V,) the bytes that each token stands for where decoding is concatenation, else None."""

    @property
    def signs(self) -> tuple[str, ...]:
        """The infilling tokens that its documents can be trained with, see `seqgen.infilling`."""
        return HOLES

    def cuts(self, ids: Ids) -> Cuts:
        """(K, n + 1) where a piece of a document may be cut so that a hole is something whole, by K kinds of places.

        Of text, as here: before and behind words, and where lines begin; else anywhere.

        Args:
            ids: (n,) in [0, vocab_size).

        Returns:
            At i, before token i, the level of such a place: a hole lies between two of one level with none lower
            between them. NO_CUT where there is none.
        """
        return np.zeros((1, len(ids) + 1), np.int64) if self._edges is None else text_cuts(self._edges, ids)

    def in_parts(self, ids: Ids, draws: Sequence[float], signs: Signs) -> Ids | None:
        """(m,) ids of a document in parts, some of which are given, see `seqgen.infilling`; None, as here: it has none.

        Args:
            ids: (n,) the document, without framing.
            draws: Three numbers in [0, 1) that decide which are given.
            signs: The infilling tokens.
        """
        return None

    @cached_property
    def _edges(self) -> Edges | None:
        pieces = self.token_bytes()
        return None if pieces is None else edges(pieces)

    @classmethod
    def hole_over(cls, pieces: Sequence[bytes], left: bytes, right: bytes, length: int) -> EndingGrammar | None:
        """The grammar of what fills a hole between two sides; it may end where the right side may go on.

        None, as here, where the codec is not that of a language with such a grammar.

        Args:
            pieces: (V,) the bytes of each token; every single byte is one.
            left, right: The whole of both sides.
            length: Tokens from which on the filling is brought to its end.
        """
        return None

    def score_hole(
        self, data: bytes, bars: tuple[int, int] | None, parts: Sequence[str] | None, bounds: Mapping[str, int]
    ) -> "ScoreHole":
        """A hole in a piece of music whose codec counts bars; here there are none.

        Args:
            data: The file.
            bars: The first and the last, from 1; None: all.
            parts: The names of the parts that are made; None: all that plays.
            bounds: What the corpus keeps to, see `Codec.bounds`.

        Raises:
            DataError: The file cannot be read, or holds no note.
            UsageError: There are no such bars or parts.
        """
        hint = "fill it by seconds (seqgen fill --seconds), or train one of music with -c midi_bar"
        raise UsageError("this model counts no bars", hint)

    def heard_parts(self, bounds: Mapping[str, int]) -> list[str]:
        """What `score_hole` may be asked for in a piece whose corpus keeps to these bounds; here there are no parts."""
        return []

    def hole_of_seconds(
        self, data: bytes, seconds: tuple[float, float], bounds: Mapping[str, int]
    ) -> "ScoreHole | TimeHole":
        """A hole in a piece of music from one time on and before another; here there are none.

        Args:
            data: The file.
            seconds: From the beginning of the piece.
            bounds: What the corpus keeps to, see `Codec.bounds`.

        Raises:
            DataError: The file cannot be read, or holds no note.
            UsageError: Nothing begins there or behind it.
        """
        raise UsageError("this model cannot fill by seconds", "train one of music with -c midi, or -c midi_bar")

    def filled(self, hole: Mapping[str, Any], prompt: NDArray[Any], ids: NDArray[Any], signs: Signs | None) -> bytes:
        """The file of a hole that was filled, byte for byte what it was around it.

        Args:
            hole: What a take keeps of it, perhaps damaged; as here, `before` and `after` in base 64, and RETURNS
                where lines end in CR LF but were read and made without the CR.
            prompt: (n,) what was read before it, framed.
            ids: (m,) what was sampled.
            signs: The infilling tokens.

        Raises:
            ValueError, LookupError, TypeError: What the take keeps makes no sense.
        """
        before, after = (base64.b64decode(hole[side], validate=True) for side in ("before", "after"))
        made = self.decode(ids[ids < len(self.token_bytes() or [])])
        return before + (with_returns(made) if hole.get(RETURNS) is True else made) + after
