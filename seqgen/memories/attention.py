"""One attention head over the hidden states of the document so far (Merity 2019, "Single Headed Attention RNN").

For the hidden state h_t of token t, and each token i of the latest `length`, t − length < i ≤ t:

    s_i = (K h_{i−1}) · (Q h_t + b) / √D + r_{t−i} + B[bars, same]     score; r and B are learned
    p = softmax of 0 and all s_i                     the 0 is a place where there is nothing to read
    y_t = h_t + O Σ_i p_i V h_i                      O is zero at first

A state is found by the one before it, so what is read is what followed a state like this one. `bars` is how many bars,
of text lines, began between h_{i−1} and h_t, FAR standing for more; `same` whether the two stand at the same place in
the bar, with the same voice and count, by the clock of the corpus's codec (`_places`), which lies among the weights and
does not learn. As in Transformer-XL (Dai
et al. 2019, section 3.2) what earlier windows left is kept without gradient; kept are keys and values and not the
states that they were made of, which are wider: the weights of a few steps ago made them.

The state is two rings, of the latest `length` keys and values, the key that waits for its value, and how many tokens
there were: the pair of token n lies at n modulo `length`. Then rings of where the states of the keys stand, in bars ago
and in places, and where the stream stands.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from seqgen import clock as clocks
from seqgen.cells import linear
from seqgen.memories import CLOCK, Array, Arrays, Ids, LinearForm, Memory, Parts, Shapes, Side
from seqgen.memories import _places as p
from seqgen.memories._places import FAR, SAME

if TYPE_CHECKING:
    from torch import nn

HEAD = 64  # numbers in a query, a key, a value; no more than in a hidden state
LARGE = 60.0  # scores above which their exponentials might overflow


@final
@dataclass(frozen=True)
class Attention(Memory):
    """Reads what followed a state like this one in the document so far: one attention head."""

    side: ClassVar[Side] = "output"

    def weights(self, size: int, vocab_size: int) -> Shapes:
        head = min(HEAD, size)
        return {
            "products.weight": (3 * head, size),  # queries, keys, values
            "products.bias": (head,),  # of queries alone
            "output.weight": (size, head),
            "distance": (self.length,),
            "bars": (FAR + 1, SAME),
            CLOCK: (vocab_size, clocks.COLUMNS),
        }

    def state(self, size: int) -> tuple[int, ...]:
        head = min(HEAD, size)
        return self.length * head, self.length * head, head, 1, self.length, self.length, self.length, p.CARRIED

    def module(self, size: int, vocab_size: int) -> "nn.Module":
        from seqgen.memories._attention import AttentionLayer

        return AttentionLayer(self.length, size, min(HEAD, size), vocab_size)

    def prepared(self, weights: Arrays) -> Arrays:
        """Queries are divided beforehand; r lies there twice, the farthest first: its turn for a ring is a slice."""
        far_first, bias = weights["distance"][::-1], weights["products.bias"]
        scale = np.ones(3 * len(bias), bias.dtype)
        scale[: len(bias)] = 1 / math.sqrt(len(bias))
        return {
            "products": weights["products.weight"] * scale[:, None],
            "bias": np.pad(bias, (0, 2 * len(bias))) * scale,
            "output": weights["output.weight"],
            "zero": np.zeros(1, bias.dtype),
            "turns": np.concatenate([far_first, far_first]),
            "bars": weights["bars"].ravel(),
            CLOCK: np.clip(weights[CLOCK].astype(np.int64), 0, clocks.MOST),
        }

    def step(self, weights: Arrays, x: Array, ids: Ids, state: Parts) -> tuple[Array, Parts]:
        form = self._form(weights)
        read = form.read(linear(x, form.products, form.bias), ids, state)
        return x + linear(read, form.output, weights["zero"]), state

    def linear_form(self) -> Callable[[Arrays], LinearForm]:
        return self._form

    def _form(self, weights: Arrays) -> LinearForm:
        reader = Reader(self.length, weights["turns"], weights["bars"], weights[CLOCK])
        return LinearForm(weights["products"], weights["bias"], weights["output"], reader)


@dataclass(frozen=True, eq=False)
class Reader:
    """Takes what a token brings into the rings, and reads them; few numpy calls, which are what it costs.

    Attributes:
        length: Of a ring.
        turns: (2·length,) the bias of each distance, the farthest first, twice.
        bars: ((FAR+1)·SAME,) the bias by bars and places.
        clock: (V, 6) int64.
    """

    length: int
    turns: Array
    bars: Array
    clock: Ids

    def __call__(self, products: Array, ids: Ids, state: Parts) -> Array:
        """(B, D) what is read, for queries, keys, values (B, 3·D) and ids (B,)."""
        keys, values, waiting, count, *places = state
        length, head = self.length, waiting.shape[1]
        all_keys, all_values = keys.reshape(-1, head), values.reshape(-1, head)  # the streams' rings, one below another
        read, rows = np.empty_like(waiting), self.clock[ids].tolist()
        for stream, product in enumerate(products):
            past, begin = int(count[stream, 0]), stream * length
            slot, end = past % length, begin + min(past + 1, length)
            all_keys[begin + slot], all_values[begin + slot] = waiting[stream], product[2 * head :]
            waiting[stream] = product[head : 2 * head]
            count[stream, 0] = past + 1 if past + 1 < 2 * length else past + 1 - length
            scores = np.dot(all_keys[begin:end], product[:head])
            first = length - 1 - slot
            np.add(scores, self.turns[first : first + end - begin], scores)
            codes = _moved(rows[stream], slot, *(part[stream] for part in places))
            np.add(scores, self.bars.take(codes[: end - begin]), scores)
            highest, nothing = float(np.maximum.reduce(scores)), 1.0  # the place where there is nothing to read: e⁰
            if highest > LARGE:
                scores -= highest
                nothing = math.exp(-highest)
            np.exp(scores, scores)
            weight = 1 / (float(np.add.reduce(scores)) + nothing)
            np.multiply(np.dot(scores, all_values[begin:end]), scores.dtype.type(weight), read[stream])
        return read


def _moved(clock: p.Row, slot: int, ago: Array, spots: Array, heres: Array, carried: Array) -> Ids:
    """(N,) codes of bars and places between a token of one stream, whose state is changed, and the states it looks at.

    Args:
        clock: The token's row of the clock.
        slot: Where the state that waited goes.
        ago, spots, heres: (N,) of the states of the keys how many bars ago they stood, at which place in the bar, and
            with voice and count, as numbers.
        carried: The numbers of a `Hand`.
    """
    before = p.Hand(*map(int, carried.tolist()))
    bars, hand = p.moved(before, clock)
    if bars:
        ago += bars
        np.minimum(ago, FAR, out=ago)
    ago[slot], spots[slot], heres[slot] = min(bars, FAR), before.furthest // p.PLACE, before.furthest + before.counted
    carried[:] = hand
    codes = ago * SAME
    codes += spots == hand.furthest // p.PLACE
    codes += heres == hand.furthest + hand.counted
    return codes.astype(np.intp)
