"""Look-back, and beside it what is told of what follows: for models that fill holes in (`seqgen.infilling`).

A hidden state that read what follows a hole must carry it past all that stands right before the hole, and what is given
of a bar past the next one; a small network hardly learns to. Here they are kept as they are. The first tokens behind
<suffix> are added, from <prefix> on, until <end>:

    r_1 … r_A = the tokens behind <suffix>, at most A = AHEAD of them, up to <prefix>
    v = Σ_k W_k S[r_k]
    y_t = h                        from <suffix> to the token before <prefix>
    y_t = lookback(x_t) + v        from <prefix> to the token before <end>

So what follows the hole goes neither through the cell, which the same h at each of its tokens tells to hold what it
has, nor through `lookback`, whose clock stands still: to that each of its tokens is another <suffix>.
And in what is made of a bar, that which is given of it around the place where one is:

    s = the last token of that bar as it is given at this place or before it: three bars before, the next one that is
        given lying between, or two where none does (`_registers`)
    y_t = lookback(x_t) + Σ_k G_k S[token s + k]    k from 1 − BACK to FORTH, from <made> to the token before <given>

S is the table of `lookback`; W, G and h are zero at first. Where there is no such token, nothing is added. Another of
these signs, or <end>, or the beginning of a document begins anew. So the state is that of `lookback`, where the stream
stands with the tokens kept so far, and v. The ids of the signs lie among the weights and do not learn, as the clock
does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from seqgen.clock import DOCUMENT
from seqgen.memories import CLOCK, SIGNS, Array, Arrays, Ids, Memory, Parts, Shapes, Side
from seqgen.memories import _places as p
from seqgen.memories._places import WIDTH
from seqgen.memories._registers import (
    AHEAD,
    BACK,
    COUNT,
    FORTH,
    GIVEN,
    HOLE,
    KEPT,
    LAGS_OF_GIVEN,
    LOADING,
    MADE,
    NEAR,
    NOWHERE,
    READ,
    SIGNS_KNOWN,
    STANDS,
    TWICE,
)
from seqgen.memories.lookback import Lookback

if TYPE_CHECKING:
    from torch import nn

TABLE, AHEAD_WEIGHT, GIVEN_WEIGHT, HOLD, MATRIX = "ids.weight", "ahead.weight", "given.weight", "hold", "matrix"


@final
@dataclass(frozen=True)
class Lookahead(Memory):
    """What `lookback` does, and in holes also what follows them."""

    side: ClassVar[Side] = "input"

    @cached_property
    def past(self) -> Lookback:
        """What looks back."""
        return Lookback(self.length)

    def weights(self, size: int, vocab_size: int) -> Shapes:
        read = {AHEAD_WEIGHT: (size, AHEAD * WIDTH), GIVEN_WEIGHT: (size, READ * WIDTH)}
        return {**self.past.weights(size, vocab_size), SIGNS: (SIGNS_KNOWN,), HOLD: (size,), **read}

    def state(self, size: int) -> tuple[int, ...]:
        return *self.past.state(size), KEPT + AHEAD, size

    def module(self, size: int, vocab_size: int) -> "nn.Module":
        from seqgen.memories._lookahead import LookaheadLayer

        return LookaheadLayer(self.length, size, vocab_size)

    def prepared(self, weights: Arrays) -> Arrays:
        own = {name: weights[name] for name in (TABLE, AHEAD_WEIGHT, GIVEN_WEIGHT, HOLD)}
        return {**self.past.prepared(weights), **own, SIGNS: weights[SIGNS].astype(np.int64)}

    def through(self, prepared: Arrays, matrix: Array, bias: Array) -> Arrays | None:
        found = self.past.through(prepared, matrix, bias)
        hold = prepared[HOLD] @ matrix + bias
        return None if found is None else {**prepared, **found, HOLD: hold, MATRIX: matrix}

    def step(self, weights: Arrays, x: Array, ids: Ids, state: Parts) -> tuple[Array, Parts]:
        *past, registers, ahead = state
        begins = (weights[CLOCK][ids, 0] >= DOCUMENT).tolist()
        signs, matrix = weights[SIGNS].tolist(), weights.get(MATRIX)
        known = [advanced(*each, signs) for each in zip(ids.tolist(), begins, registers)]
        passed = np.where(registers[:, STANDS] == LOADING, weights[SIGNS][0], ids)
        y, past_after = self.past.step(weights, x, passed, tuple(past))
        for row, (out, all_told, register, told) in enumerate(zip(y, known, registers, ahead)):
            if all_told:
                kept = register[KEPT : KEPT + int(register[COUNT])]
                told[:] = _said(weights[TABLE], weights[AHEAD_WEIGHT], kept, AHEAD)
                register[COUNT:] = 0
            if register[STANDS] == LOADING:
                out[:] = weights[HOLD]
            added = told
            if lag := LAGS_OF_GIVEN.get(int(register[STANDS])):
                latest, keys, _, hand = (part[row] for part in past_after)
                added = _said(weights[TABLE], weights[GIVEN_WEIGHT], aligned(latest, keys, hand, lag), READ)
            elif register[STANDS] != HOLE:
                told[:] = 0
                continue
            out += added if matrix is None else added @ matrix
        return y, (*past_after, registers, ahead)


def _said(table: Array, weight: Array, tokens: Array, most: int) -> Array:
    """(size,) what tokens say, 1 + ids, 0: none; at most `most`."""
    rows = np.zeros((most, WIDTH), table.dtype)
    there = tokens > 0
    rows[: len(tokens)][there] = table[tokens[there].astype(np.int64) - 1]
    return np.asarray(weight @ rows.ravel())


def aligned(latest: Array, keys: Array, hand: Array, lag: int) -> Array:
    """(≤ READ,) 1 + the tokens some bars before, around the last one at this place or before; 0: none.

    Args:
        latest, keys: (N,) 1 + the latest ids, their places as numbers.
        hand: Where the stream stands, a `Hand`.
        lag: Bars.
    """
    begin = keys.dtype.type(p.NOW - lag * p.BAR)
    here = int(p.Hand(*hand[: p.CARRIED]).furthest) // p.PLACE * p.PLACE
    found = int(keys.searchsorted(begin + keys.dtype.type(here + p.PLACE - 1), "right"))
    if not found or keys[found - 1] < begin:
        return latest[:0]
    around = latest[max(found - BACK, 0) : found + FORTH]
    return np.concatenate([np.zeros(max(BACK - found, 0), latest.dtype), around])


def advanced(token: int, begun: bool, register: Array, signs: Sequence[int]) -> bool:
    """One token of one stream, whose register is changed; whether it is the <prefix> behind which a hole lies.

    Args:
        token: The token.
        begun: Whether a document begins with it.
        register: (2 + AHEAD,) see `_registers`.
        signs: The ids of <suffix>, <prefix>, <end>, <given>, <made>.
    """
    suffix, prefix, end, given, made = signs
    stood = int(register[STANDS])
    loading = stood == LOADING
    if begun or token in (suffix, end, given, made):
        now = {
            suffix: LOADING,
            given: TWICE if stood in (GIVEN, TWICE) else GIVEN,
            made: NEAR if stood in (TWICE, MADE, NEAR) else MADE,
        }
        register[:] = 0
        register[STANDS] = NOWHERE if begun else now.get(token, NOWHERE)
    elif loading and token == prefix:
        register[STANDS] = HOLE
        return True
    elif loading and register[COUNT] < AHEAD:
        register[KEPT + int(register[COUNT])] = token + 1
        register[COUNT] += 1
    return False
