"""One attention head over the hidden states of the document so far (Merity 2019, "Single Headed Attention RNN").

For the hidden state h_t of token t, and each token i of the latest `length`, t − length < i ≤ t:

    s_i = (K h_{i−1}) · (Q h_t + b) / √D + r_{t−i}   score; r is learned, one number for each distance
    p = softmax of 0 and all s_i                     the 0 is a place where there is nothing to read
    y_t = h_t + O Σ_i p_i V h_i                      O is zero at first

A state is found by the one before it, so what is read is what followed a state like this one. As in Transformer-XL (Dai
et al. 2019, section 3.2) what earlier windows left is kept without gradient; kept are keys and values and not the
states that they were made of, which are wider: the weights of a few steps ago made them.

The state is two rings, of the latest `length` keys and values, the key that waits for its value, and how many tokens
there were: the pair of token n lies at n modulo `length`.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from seqgen.cells import linear
from seqgen.memories import Array, Arrays, Ids, LinearForm, Memory, Parts, Shapes, Side

if TYPE_CHECKING:
    from torch import nn

HEAD = 64  # numbers in a query, a key, a value; no more than in a hidden state
LARGE = 60.0  # scores above which their exponentials might overflow


@final
@dataclass(frozen=True)
class Attention(Memory):
    """Reads what followed a state like this one in the document so far: one attention head."""

    side: ClassVar[Side] = "output"
    linear: ClassVar[bool] = True

    def weights(self, size: int, vocab_size: int) -> Shapes:
        head = min(HEAD, size)
        return {
            "products.weight": (3 * head, size),  # queries, keys, values
            "products.bias": (head,),  # of queries alone
            "output.weight": (size, head),
            "distance": (self.length,),
        }

    def state(self, size: int) -> tuple[int, ...]:
        head = min(HEAD, size)
        return (self.length * head, self.length * head, head, 1)

    def module(self, size: int, vocab_size: int) -> "nn.Module":
        from seqgen.memories._attention import AttentionLayer

        return AttentionLayer(self.length, size, min(HEAD, size))

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
        }

    def step(self, weights: Arrays, x: Array, ids: Ids, state: Parts) -> tuple[Array, Parts]:
        form = self.linear_form(weights)
        read = form.read(linear(x, form.products, form.bias), state)
        return x + linear(read, form.output, weights["zero"]), state

    def linear_form(self, weights: Arrays) -> LinearForm:
        reader = Reader(self.length, weights["turns"])
        return LinearForm(weights["products"], weights["bias"], weights["output"], reader)


@dataclass(frozen=True, eq=False)
class Reader:
    """Takes what a token brings into the rings, and reads them; few numpy calls, which are what it costs.

    Attributes:
        length: Of a ring.
        turns: (2·length,) the bias of each distance, the farthest first, twice.
    """

    length: int
    turns: Array

    def __call__(self, products: Array, state: Parts) -> Array:
        """(B, D) what is read, for queries, keys, values (B, 3·D)."""
        keys, values, waiting, count = state
        length, head = self.length, waiting.shape[1]
        all_keys, all_values = keys.reshape(-1, head), values.reshape(-1, head)  # the streams' rings, one below another
        read = np.empty_like(waiting)
        for stream, product in enumerate(products):
            past, begin = int(count[stream, 0]), stream * length
            slot, end = past % length, begin + min(past + 1, length)
            all_keys[begin + slot], all_values[begin + slot] = waiting[stream], product[2 * head :]
            waiting[stream] = product[head : 2 * head]
            count[stream, 0] = past + 1 if past + 1 < 2 * length else past + 1 - length
            scores = np.dot(all_keys[begin:end], product[:head])
            first = length - 1 - slot
            np.add(scores, self.turns[first : first + end - begin], scores)
            highest, nothing = float(np.maximum.reduce(scores)), 1.0  # the place where there is nothing to read: e⁰
            if highest > LARGE:
                scores -= highest
                nothing = math.exp(-highest)
            np.exp(scores, scores)
            weight = 1 / (float(np.add.reduce(scores)) + nothing)
            np.multiply(np.dot(scores, all_values[begin:end]), scores.dtype.type(weight), read[stream])
        return read
