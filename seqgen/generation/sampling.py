"""The draw: one token a stream from logits, by the Gumbel race, with noise that can be made again.

Adding independent Gumbel noise to logits and taking the largest sum draws from their softmax (Gumbel 1954; Maddison,
Tarlow & Minka 2014). The noise of a token depends on the seed, the stream's index, the position in the stream and
the token alone: not on how many streams there are, and not on the engine. It comes from the counter-based generator
Philox4x64-10 (Salmon et al. 2011) with the key (seed, stream), whose raw output numpy keeps stable for ever:

    rows of R = ⌈V/8⌉ counters;  position p uses the counters pR+1 … pR+R, each giving 4 words of 64 bits,
    the low half first: 8R numbers u of 32 bits, of which the first V are used
    E = −ln((u + ½) / 2³²)  in float64,   noise = −ln E  in float32
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seqgen.generation.engine import Ids, Logits
from seqgen.settings import require

BLOCK = 1 << 13  # numbers of noise made at once for a stream: few enough to stay in the cache


class Race:
    """Draws for a fixed set of streams, one position after another.

    Args:
        seed: 0 to 2⁶⁴ − 1.
        streams: The indices of the streams, 0 to 2⁶⁴ − 1.
        vocab_size: V.
    """

    def __init__(self, seed: int, streams: Sequence[int], vocab_size: int) -> None:
        require(0 <= seed < 1 << 64, "seed", seed, "0 to 2^64 - 1")
        self.vocab_size = vocab_size
        self.generators = [_generator(seed, stream, 0) for stream in streams]
        self.block = max(1, BLOCK // vocab_size)
        self.noise: Logits = np.empty((0, len(streams), vocab_size), np.float32)  # (block, B, V)
        self.next = 0  # its row for the next draw

    def draw(self, logits: Logits) -> Ids:
        """(B,) tokens from (B, V) logits at the next position. A token at −inf is never drawn."""
        if self.next == len(self.noise):
            made = [_gumbel(generator, self.block, self.vocab_size)[:, None] for generator in self.generators]
            self.noise, self.next = made[0] if len(made) == 1 else np.concatenate(made, axis=1), 0
        ids: Ids = (logits + self.noise[self.next]).argmax(axis=-1)
        self.next += 1
        return ids

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with the streams at `rows` only."""
        self.generators = [self.generators[row] for row in rows]
        self.noise = self.noise[:, list(rows)]


def noise(seed: int, stream: int, position: int, count: int, vocab_size: int) -> Logits:
    """(count, V) Gumbel noise of one stream from `position` on, as the module's docstring specifies it."""
    return _gumbel(_generator(seed, stream, position * _counters(vocab_size)), count, vocab_size)


def _counters(vocab_size: int) -> int:
    """Counters of the generator that one position uses."""
    return -(-vocab_size // 8)


def _generator(seed: int, stream: int, counter: int) -> np.random.Philox:
    return np.random.Philox(key=np.array([seed, stream], np.uint64), counter=counter)


def _gumbel(generator: np.random.Philox, count: int, vocab_size: int) -> Logits:
    """(count, V) noise of the generator's next positions."""
    counters = _counters(vocab_size)
    words: NDArray[np.uint64] = generator.random_raw(count * counters * 4)
    uniform = words.astype("<u8", copy=False).view("<u4").reshape(count, counters * 8)[:, :vocab_size]
    race = uniform + 0.5
    race *= 2.0**-32
    np.log(race, race)
    out = np.negative(race, dtype=np.float32, casting="same_kind")
    np.log(out, out)
    return np.negative(out, out)


def log_probabilities(logits: Logits, ids: Ids) -> NDArray[np.float32]:
    """(B,) nats: the log-softmax of (B, V) logits at `ids` (B,)."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    chosen = np.take_along_axis(shifted, ids[:, None], axis=-1)[:, 0]
    return np.asarray(chosen - np.log(np.exp(shifted).sum(axis=-1)), np.float32)


def likeliest(logits: NDArray[np.float32], count: int) -> tuple[Ids, NDArray[np.float32]]:
    """The (K,) likeliest ids of (V,) logits, the likeliest first, and their (K,) log-softmax; K is `count` or V."""
    count = min(count, len(logits))
    found = np.argpartition(-logits, count - 1)[:count]
    found = found[np.lexsort((found, -logits[found]))]
    shifted = logits - logits.max()
    return found, np.asarray(shifted[found] - np.log(np.exp(shifted).sum()), np.float32)


def entropies(logits: Logits) -> NDArray[np.float32]:
    """(B,) nats: the entropy of the softmax of (B, V) logits; a token at −inf adds nothing."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    weights = np.exp(shifted)
    total = weights.sum(axis=-1)
    mean = np.where(weights > 0, weights * shifted, 0).sum(axis=-1) / total  # 0 · −inf is NaN, and is 0 here
    return np.asarray(np.log(total) - mean, np.float32)
