"""Holes in documents: the tokens that tell of them, where they are cut, and the order in which a model reads one.

A document with a hole is read as (Bavarian et al. 2022, "Efficient Training of Language Models to Fill in the Middle",
p. 6; here the suffix first, so that a hidden state goes from what stands before the hole right into it):

    what stands before … <suffix> what follows the hole <prefix> what stands right before it, what fills it <end> …

The part before the hole that is read behind <prefix> and what is read of what follows are short beside a span, within
which all of this lies: a hidden state can carry no more. All that stands further to the left was read before, as
always; what stands further to the right is not. Behind <end> all that follows the hole comes in order, what was told
of it, too. What a model is only told is no target (`only_told`).

For music in parts there is a second order (after Thickstun et al. 2023, "Anticipatory Music Transformer", p. 4), bar by
bar, in which what is given is known one bar ahead:

    <given> bar 1 <given> bar 2 <made> bar 1 <given> bar 3 <made> bar 2 … <made> the last bar

It knows ids only. Where a document may be cut, `Codec.cuts` says.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

SUFFIX, PREFIX, END, GIVEN, MADE = "suffix", "prefix", "end", "given", "made"
HOLES = (SUFFIX, PREFIX, END)  # the tokens of any medium
PARTS = (*HOLES, GIVEN, MADE)  # and those of music in parts

NO_CUT = -1
FORTH = 16  # tokens of what follows a hole that are told at most: `lookahead` keeps no more
FEWEST, MOST = 32, 8192  # tokens of a span

Ids = NDArray[Any]
Cuts = NDArray[np.int64]


class Signs(NamedTuple):
    """The ids of a tokenizer's infilling tokens; those of parts are −1 where it has none."""

    suffix: int
    prefix: int
    end: int
    given: int = -1
    made: int = -1


class Reach(NamedTuple):
    """How much of what is around a hole is read with it, in tokens.

    Attributes:
        before: Behind <prefix>, about.
        longest: Of what fills it, while training.
        after: Behind <suffix>.
    """

    before: int
    longest: int
    after: int

    @classmethod
    def of(cls, span: int) -> "Reach":
        """Of a span of so many tokens."""
        return cls(3 * span // 8, span // 2, min(span // 8, FORTH))


def drawn(cuts: Cuts, draws: Sequence[float], reach: Reach, first: int, last: int) -> tuple[int, int]:
    """(begin, end) of a hole, begin < end: two cuts of one kind and level, nothing between them being lower.

    Its length is drawn evenly by logarithm, up to the longest; where a kind has no two such cuts another is taken, and
    where none has, any two places.

    Args:
        cuts: (K, n + 1) see `Codec.cuts`.
        draws: Three numbers in [0, 1): of the kind, the beginning, the length.
        reach: Of the span.
        first, last: Where it may begin at the earliest, and end at the latest.
    """
    wanted = (reach.longest + 0.99) ** draws[2]
    kinds = len(cuts)
    for turn in range(kinds):
        level = cuts[(int(draws[0] * kinds) + turn) % kinds]
        places = np.flatnonzero(level[first : last + 1] != NO_CUT) + first
        found = _paired(level, places, draws[1], wanted, reach.longest)
        if found is not None:
            return found
    begin = first + int(draws[1] * max(last - first, 1))
    return begin, min(begin + max(int(wanted), 1), max(last, begin + 1))


def _paired(
    level: NDArray[np.int64], places: NDArray[np.int64], draw: float, wanted: float, longest: int
) -> tuple[int, int] | None:
    """A beginning by chance, and the end that makes the hole most nearly as long as is wanted."""
    for turn in range(len(places)):  # mostly the first
        at = (int(draw * len(places)) + turn) % len(places)
        begin = int(places[at])
        ends = places[at + 1 :]
        ends = ends[ends - begin <= longest]
        inside = level[ends]
        lower = np.flatnonzero(inside < level[begin])
        ends = ends[: lower[0]] if len(lower) else ends
        ends = ends[level[ends] == level[begin]]
        if len(ends):
            return begin, int(ends[np.abs(np.log((ends - begin) / wanted)).argmin()])
    return None


def opened(cuts: Cuts, begin: int, reach: Reach) -> int:
    """Where what is read behind <prefix> begins: `before` tokens before the hole, or at a cut in their first half.

    Args:
        cuts: (K, n + 1) of what stands before the hole, or of more.
        begin: Where the hole begins.
        reach: Of the span.
    """
    at = max(begin - reach.before, 0)
    near = np.flatnonzero((cuts[:, at : begin + 1] != NO_CUT).any(axis=0))
    return at + int(near[0]) if len(near) and near[0] <= (begin - at) // 2 else at


def arranged(ids: Ids, hole: tuple[int, int], opening: int, after: int, signs: Signs) -> Ids:
    """(n + 3 + k,) ids (n,) in the order in which a hole is learned, k of what follows it being told before.

    Args:
        ids: A piece of a document.
        hole: Where in it the hole is.
        opening: Where what is read behind <prefix> begins.
        after: So much is read behind <suffix>.
        signs: The infilling tokens.
    """
    end = hole[1]
    known = min(end + after, len(ids))
    sign = np.array([signs.suffix, signs.prefix, signs.end], ids.dtype)
    return np.concatenate([ids[:opening], sign[:1], ids[end:known], sign[1:2], ids[opening:end], sign[2:], ids[end:]])


def only_told(ids: Ids, signs: Signs) -> NDArray[np.bool_]:
    """(n,) which of the ids (n,) of a rearranged piece a model is told and does not have to say.

    What follows a hole comes before it out of nowhere, and in parts the bars that are given are: to predict them would
    take a small network's strength from what it is to make, and a hole's sign would be expected everywhere.

    Args:
        ids: A whole piece, as `arranged` makes it, or a document in parts.
        signs: The infilling tokens.
    """
    begins = np.isin(ids, (signs.suffix, signs.given))
    ends = np.isin(ids, (signs.prefix, signs.given, signs.made))
    at = np.arange(len(ids))
    latest = np.maximum.accumulate(np.where(begins, at, -1))
    ended = np.maximum.accumulate(np.where(ends, at, -1))
    own_sign = begins & (ids == signs.given)  # it ends a bar that is made: that has to be known
    told: NDArray[np.bool_] = (((latest >= 0) & (latest >= ended)) | (ids == signs.prefix)) & ~own_sign
    return told


def prompt(frame: Ids, left: Ids, right: Ids, opening: int, after: int, signs: Signs) -> Ids:
    """(n,) int64 ids after which what fills a hole follows.

    Args:
        frame: With which the document begins.
        left, right: What stands before the hole, and what follows it, without framing.
        opening: Where in `left` what is read behind <prefix> begins.
        after: So much is read behind <suffix>.
        signs: The infilling tokens.
    """
    sign = np.array([signs.suffix, signs.prefix], np.int64)
    return np.concatenate([frame, left[:opening], sign[:1], right[:after], sign[1:], left[opening:]]).astype(np.int64)
