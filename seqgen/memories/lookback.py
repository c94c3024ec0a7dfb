"""What stood some bars ago at this place, and what followed the last time when all was as now.

By place (Waite 2016, "Generating Long-Term Structure in Songs and Stories", Lookback RNN; of text, lines instead of
bars): for token t and each lag L of LAGS, s is the last token L bars before at the same place or before it (`_places`).
By content (the match model of Mahoney 2005, "Adaptive weighing of context models for lossless data compression"): s is
the token before t at whose end most of the last tokens are those at the end of t; of several, the latest.

    f = id of the token after s, or none              for each lag, and for the match, f_M
    r = none, wrong or right                          whether the f of the token before was this token
    m = how many tokens match, at most LONGEST
    p = the place in the bar
    y_t = x_t + Σ_L W_L S[f_L] + g_m W_M S[f_M] + Σ R[r] + M_m + P_p

S is one table for all; W, R, M and P are zero at first, and what is none or 0 has no row in them: where nothing was
found, x is as it was but for the place. Nothing is looked for beyond the latest `length` tokens or the beginning of the
document. So the state is `length` ids with their places and matches, the oldest first, and where the stream stands:
constant in memory, and no more than the ids decide. The clock of the corpus's codec, which says what each id does to
bars and places, lies among the weights and does not learn.
"""

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from seqgen import clock as clocks
from seqgen.memories import CLOCK, Array, Arrays, Ids, Memory, Parts, Shapes, Side
from seqgen.memories import _places as p
from seqgen.memories._places import LAGS, LONGEST, RIGHT, WAYS, WIDTH, WRONG

if TYPE_CHECKING:
    from torch import nn

_BEGINS = [p.NOW - lag * p.BAR for lag in LAGS]
_BEGIN = np.array(_BEGINS, np.float32)
TABLES = 1 << 28  # bytes of what ids add, at most, where a layer's input product is taken beforehand


@final
@dataclass(frozen=True)
class Lookback(Memory):
    """Reads what followed this place some bars, or lines, ago, and what followed when all was as now."""

    side: ClassVar[Side] = "input"

    def weights(self, size: int, vocab_size: int) -> Shapes:
        return {
            CLOCK: (vocab_size, clocks.COLUMNS),
            "ids.weight": (vocab_size, WIDTH),
            "ways.weight": (size, WAYS * WIDTH),
            "said.weight": (WAYS * RIGHT, size),
            "match.weight": (LONGEST, size),
            "trust.weight": (LONGEST, 1),
            "place.weight": (clocks.PLACES, size),
        }

    def state(self, size: int) -> tuple[int, ...]:
        return self.length, self.length, self.length, p.CARRIED + WAYS

    def module(self, size: int, vocab_size: int) -> "nn.Module":
        from seqgen.memories._lookback import LookbackLayer

        return LookbackLayer(self.length, size, vocab_size)

    def prepared(self, weights: Arrays) -> Arrays:
        """With what each id adds in each way, (ways, 1+V, size), and what all ways said of it, (3^ways, size)."""
        ids, said, match, trust = (
            np.pad(weights[f"{name}.weight"], ((1, 0), (0, 0))) for name in ("ids", "said", "match", "trust")
        )  # with a row of zeros for what is none
        added = np.stack([ids @ way.T for way in np.split(weights["ways.weight"], WAYS, axis=1)])
        rows = [[0, RIGHT * way + WRONG, RIGHT * way + RIGHT] for way in range(WAYS)]
        every = np.stack([said[list(each)].sum(axis=0) for each in product(*rows)])
        clock = np.clip(weights[CLOCK].astype(np.int64), 0, clocks.MOST)
        own = {"added": added, "said": every, "match": match, "trust": trust, "place": weights["place.weight"]}
        return {**own, CLOCK: clock}

    def through(self, prepared: Arrays, matrix: Array, bias: Array) -> Arrays | None:
        if prepared["added"].shape[0] * prepared["added"].shape[1] * matrix[0].nbytes > TABLES:
            return None
        return {**prepared, **{name: prepared[name] @ matrix for name in ("added", "said", "match", "place")}}

    def step(self, weights: Arrays, x: Array, ids: Ids, state: Parts) -> tuple[Array, Parts]:
        y = x.copy()
        added, said, match, place, trust = (weights[name] for name in ("added", "said", "match", "place", "trust"))
        for out, token, clock, *own in zip(y, ids.tolist(), weights[CLOCK][ids].tolist(), *state):
            follow, right, matched, where = looked(token, clock, *own)
            code = 0
            for way, (one, how) in enumerate(zip(follow, right)):
                out += added[way, one] if way < len(LAGS) else added[way, one] * trust[matched]
                code = code * (1 + RIGHT) + how
            out += said[code]
            out += match[matched]
            out += place[where]
        return y, state


def looked(
    token: int, clock: p.Row, latest: Array, keys: Array, runs: Array, carried: Array
) -> tuple[list[int], list[int], int, int]:
    """One token of one stream, whose state is changed.

    Args:
        token: The token.
        clock: Its row of the clock.
        latest, keys, runs: (N,) 1 + the latest ids, their places as numbers, and how many tokens up to each were those
            up to the last one; 0 where there was none.
        carried: The numbers of a `Hand`, then for each way 1 + the id that it said would follow, or 0.

    Returns:
        For each way 1 + the id that it says will follow, or 0, and whether it was right of this token; how many tokens
        match; the place.
    """
    numbers, now = [*map(int, carried.tolist())], token + 1
    bars, hand = p.moved(p.Hand(*numbers[: p.CARRIED]), clock)
    if bars >= clocks.DOCUMENT:
        latest[:] = keys[:] = 0
    elif bars:
        keys -= bars * p.BAR
        keys[keys < p.BAR] = 0
    here = hand.furthest + hand.counted
    latest[:-1], keys[:-1] = latest[1:], keys[1:]
    latest[-1], keys[-1] = now, p.NOW + here
    found = keys.searchsorted(_BEGIN + keys.dtype.type(here), "right").tolist()
    follow = [int(latest[at]) if at and keys[at - 1] >= begin else 0 for at, begin in zip(found, _BEGINS)]
    before = runs[:-1]  # a token is no match of itself
    before += 1
    before *= latest[:-1] == now
    back = int(before[::-1].argmax()) + 1 if len(before) else 0  # the latest of the longest
    matched = int(runs[-1 - back])
    follow.append(int(latest[-back]) if matched else 0)
    right = [0 if said == 0 else RIGHT if said == now else WRONG for said in numbers[p.CARRIED :]]
    carried[:] = (*hand, *follow)
    return follow, right, min(matched, LONGEST), hand.place
