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

from seqgen.generation import Ids, Logits
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
        self.seed, self.streams, self.vocab_size = seed, list(streams), vocab_size
        self.block = max(1, BLOCK // vocab_size)
        self.made = 0  # positions whose noise was made
        self.noise: list[Logits] = []  # (B, V) for each position to come, the next one last

    def draw(self, logits: Logits) -> Ids:
        """(B,) tokens from (B, V) logits at the next position. A token at −inf is never drawn."""
        if not self.noise:
            self._make()
        ids: Ids = (logits + self.noise.pop()).argmax(axis=-1)
        return ids

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with the streams at `rows` only."""
        self.streams = [self.streams[row] for row in rows]
        self.noise = [each[list(rows)] for each in self.noise]

    def _make(self) -> None:
        made = [noise(self.seed, stream, self.made, self.block, self.vocab_size) for stream in self.streams]
        self.noise = list(np.stack(made, axis=1)[::-1])
        self.made += self.block


def noise(seed: int, stream: int, position: int, count: int, vocab_size: int) -> Logits:
    """(count, V) Gumbel noise of one stream from `position` on, as the module's docstring specifies it."""
    counters = -(-vocab_size // 8)
    generator = np.random.Philox(key=np.array([seed, stream], np.uint64), counter=position * counters)
    words: NDArray[np.uint64] = generator.random_raw(count * counters * 4)
    uniform = words.astype("<u8", copy=False).view("<u4").reshape(count, counters * 8)[:, :vocab_size]
    race = -np.log((uniform + 0.5) * 2.0**-32)
    return -np.log(race.astype(np.float32))


def log_probabilities(logits: Logits, ids: Ids) -> NDArray[np.float32]:
    """(B,) nats: the log-softmax of (B, V) logits at `ids` (B,)."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    chosen = np.take_along_axis(shifted, ids[:, None], axis=-1)[:, 0]
    return np.asarray(chosen - np.log(np.exp(shifted).sum(axis=-1)), np.float32)
