"""Look-back, and beside it what follows a hole, for models that fill holes in (`seqgen.infilling`).

A hidden state that read what follows a hole must carry it past all that stands right before the hole, and a small
network hardly learns to. Here the first tokens behind <suffix> are kept as they are, and from <prefix> on, until <end>,
what they say is added to every token embedding:

    r_1 … r_A = the tokens behind <suffix>, at most A = AHEAD of them, up to <prefix>
    v = Σ_k W_k S[r_k]
    y_t = lookback(x_t) + v        from <prefix> to the token before <end>

S is the table of `lookback`; W is zero at first. Another <suffix> begins anew; <end> and the beginning of a document
forget. So the state is that of `lookback`, where the stream stands with the tokens kept so far, and v. The ids of
<suffix>, <prefix> and <end> lie among the weights and do not learn, as the clock does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from seqgen.clock import DOCUMENT
from seqgen.memories import CLOCK, SIGNS, Array, Arrays, Ids, Memory, Parts, Shapes, Side
from seqgen.memories._places import WIDTH
from seqgen.memories._registers import AHEAD, COUNT, HOLE, KEPT, LOADING, NOWHERE, STANDS
from seqgen.memories.lookback import Lookback

if TYPE_CHECKING:
    from torch import nn

TABLE, AHEAD_WEIGHT, MATRIX = "ids.weight", "ahead.weight", "matrix"


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
        return {**self.past.weights(size, vocab_size), SIGNS: (HOLE + 1,), AHEAD_WEIGHT: (size, AHEAD * WIDTH)}

    def state(self, size: int) -> tuple[int, ...]:
        return *self.past.state(size), KEPT + AHEAD, size

    def module(self, size: int, vocab_size: int) -> "nn.Module":
        from seqgen.memories._lookahead import LookaheadLayer

        return LookaheadLayer(self.length, size, vocab_size)

    def prepared(self, weights: Arrays) -> Arrays:
        own = {name: weights[name] for name in (TABLE, AHEAD_WEIGHT)}
        return {**self.past.prepared(weights), **own, SIGNS: weights[SIGNS].astype(np.int64)}

    def through(self, prepared: Arrays, matrix: Array) -> Arrays | None:
        found = self.past.through(prepared, matrix)
        return None if found is None else {**prepared, **found, MATRIX: matrix}

    def step(self, weights: Arrays, x: Array, ids: Ids, state: Parts) -> tuple[Array, Parts]:
        *past, registers, ahead = state
        y, past_after = self.past.step(weights, x, ids, tuple(past))
        begins = (weights[CLOCK][ids, 0] >= DOCUMENT).tolist()
        signs, matrix = weights[SIGNS].tolist(), weights.get(MATRIX)
        for out, token, begun, register, told in zip(y, ids.tolist(), begins, registers, ahead):
            if advanced(token, begun, register, signs):
                told[:] = self._told(weights, register)
                register[COUNT:] = 0
            if register[STANDS] != HOLE:
                told[:] = 0
            else:
                out += told if matrix is None else told @ matrix
        return y, (*past_after, registers, ahead)

    @staticmethod
    def _told(weights: Arrays, register: Array) -> Array:
        """(size,) what the tokens that a register keeps say."""
        rows = np.zeros((AHEAD, WIDTH), weights[TABLE].dtype)
        count = int(register[COUNT])
        rows[:count] = weights[TABLE][register[KEPT : KEPT + count].astype(np.int64) - 1]
        return np.asarray(weights[AHEAD_WEIGHT] @ rows.ravel())


def advanced(token: int, begun: bool, register: Array, signs: Sequence[int]) -> bool:
    """One token of one stream, whose register is changed; whether it is the <prefix> behind which a hole lies.

    Args:
        token: The token.
        begun: Whether a document begins with it.
        register: (2 + AHEAD,) see `_registers`.
        signs: The ids of <suffix>, <prefix>, <end>.
    """
    suffix, prefix, end = signs
    loading = register[STANDS] == LOADING
    if begun or token in (suffix, end):
        register[:] = 0
        register[STANDS] = LOADING if token == suffix and not begun else NOWHERE
    elif loading and token == prefix:
        register[STANDS] = HOLE
        return True
    elif loading and register[COUNT] < AHEAD:
        register[KEPT + int(register[COUNT])] = token + 1
        register[COUNT] += 1
    return False
