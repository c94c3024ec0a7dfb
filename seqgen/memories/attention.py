"""One attention head over the hidden states of the document so far (Merity 2019, "Single Headed Attention RNN").

For the hidden state h_t of token t, and each token i of the `length` before it, t − length ≤ i < t:

    s_i = (K h_i) · (Q h_t + b) / √D + r_{t−i}    score; r is learned, one number for each distance
    p = softmax of 0 and all s_i                  the 0 is a place where there is nothing to read
    y_t = h_t + O Σ_i p_i V h_{i+1}               O is zero at first

What is read at i is what stood there after the next token was seen: the state that followed a state like this one. As
in Transformer-XL (Dai et al. 2019, section 3.2) states of earlier windows are kept without gradient, and what is kept
are the states and not their products, so that K and V go on learning from them.

The state is a ring of the latest `length` hidden states and how many there were: token n lies at n modulo `length`.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from seqgen.cells import linear
from seqgen.memories import Array, Arrays, Ids, Memory, Parts, Shapes, Side

if TYPE_CHECKING:
    from torch import nn

HEAD = 128  # numbers in a query, a key, a value; no more than in a hidden state


@final
@dataclass(frozen=True)
class Attention(Memory):
    """Reads what followed a state like this one, among those of the tokens before: one attention head."""

    side: ClassVar[Side] = "output"

    def weights(self, size: int, vocab_size: int) -> Shapes:
        head = min(HEAD, size)
        return {
            "query.weight": (head, size),
            "query.bias": (head,),
            "key.weight": (head, size),
            "value.weight": (head, size),
            "output.weight": (size, head),
            "distance": (self.length,),
        }

    def state(self, size: int) -> tuple[int, ...]:
        return (self.length * size, 1)

    def module(self, size: int, vocab_size: int) -> "nn.Module":
        from seqgen.memories._attention import AttentionLayer

        return AttentionLayer(self.length, size, min(HEAD, size))

    def prepared(self, weights: Arrays) -> Arrays:
        """With r twice, the farthest first, so that its turn for a ring is a slice of it."""
        far_first = weights["distance"][::-1]
        return {**weights, "turns": np.concatenate([far_first, far_first])}

    def step(self, weights: Arrays, x: Array, ids: Ids, state: Parts) -> tuple[Array, Parts]:
        ring, count = state
        kept = ring.reshape(len(x), self.length, -1)  # (B, length, H)
        query = linear(x, weights["query.weight"], weights["query.bias"])
        query *= 1 / math.sqrt(query.shape[-1])
        read = np.empty_like(x)
        for stream, h in enumerate(x):
            wanted = np.dot(query[stream], weights["key.weight"])  # (H,), so that no key is ever made
            read[stream] = self._read(kept[stream], int(count[stream, 0]), wanted, h, weights["turns"])
        zero = np.zeros(1, x.dtype)
        y = x + linear(linear(read, weights["value.weight"], zero), weights["output.weight"], zero)
        after = count + 1
        return y, (ring, np.where(after < 2 * self.length, after, after - self.length))

    def _read(self, kept: Array, count: int, wanted: Array, h: Array, turns: Array) -> Array:
        """(H,) what one stream reads; h is put into its ring (length, H)."""
        length, slot = self.length, count % self.length
        scores = np.dot(kept, wanted)
        scores += turns[length - slot : 2 * length - slot]
        if count < length:
            scores[count:] = -np.inf
        highest = max(float(scores.max()), 0.0)
        scores -= highest
        chances = np.exp(scores, out=scores)
        chances /= chances.sum() + math.exp(-highest)
        kept[slot] = h
        return np.asarray(np.dot(chances[:-1], kept[1:]) + chances[-1] * kept[0])
