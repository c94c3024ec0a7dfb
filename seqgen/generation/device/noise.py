"""The noise of `sampling`, made by torch where the logits are: the same integers, the same logarithms.

Philox4x64-10 (Salmon, Moraes, Dror & Shaw 2011, section 3) on tensors of 64-bit integers. They are signed, but sums
and products wrap as unsigned ones do; only shifts and the high half of a product must be told.
"""

import torch
from torch import Tensor

MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
ROUNDS = 10
LOW = 0xFFFFFFFF


def signed(number: int) -> int:
    """A number of 64 bits as torch holds it."""
    return number - (1 << 64) if number >= 1 << 63 else number


def gumbel(seed: Tensor, streams: Tensor, position: Tensor, count: int, vocab_size: int) -> Tensor:
    """(count, B, V) float32 noise of B streams from a position on, as `seqgen.generation.sampling` specifies it.

    Args:
        seed, streams, position: int64 on the device, of shapes (), (B,) and (): a graph reads them anew each time.
    """
    rows = -(-vocab_size // 8)  # counters a position
    counters = (position * rows + 1 + torch.arange(count * rows, device=streams.device)).reshape(count, 1, rows)
    words = torch.stack(philox(counters, seed, streams[:, None]), dim=-1)  # (count, B, rows, 4)
    halves = torch.stack([words & LOW, (words >> 32) & LOW], dim=-1)
    uniform = halves.reshape(count, len(streams), 8 * rows)[..., :vocab_size]
    race = torch.log((uniform.double() + 0.5) * 2.0**-32).neg()
    return torch.log(race.float()).neg()


def philox(counter: Tensor, *key: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The four words of each counter, whose higher words are 0, under a key of two words; shapes are broadcast."""
    counter, *key_words = torch.broadcast_tensors(counter, *key)  # type: ignore[no-untyped-call]
    factors = torch.stack([torch.full_like(counter, signed(factor)) for factor in MULTIPLIERS])
    halves = factors & LOW, (factors >> 32) & LOW
    zero = torch.zeros_like(counter)
    b = d = zero
    pair = torch.stack([counter, zero])  # the words a and c: both products at once
    for turn in range(ROUNDS):
        first, second = (word + signed(turn * step & ((1 << 64) - 1)) for word, step in zip(key_words, WEYL))
        high, low = _high(pair, *halves), pair * factors
        pair = torch.stack([high[1] ^ b ^ first, high[0] ^ d ^ second])
        b, d = low[1], low[0]
    return pair[0], b, pair[1], d


def _high(x: Tensor, f_low: Tensor, f_high: Tensor) -> Tensor:
    """The high 64 bits of the products of x and f, from products of halves: none of them exceeds 64 bits."""
    x_low, x_high = x & LOW, (x >> 32) & LOW
    cross = x_high * f_low + ((x_low * f_low >> 32) & LOW)
    other = x_low * f_high + (cross & LOW)
    return x_high * f_high + ((cross >> 32) & LOW) + ((other >> 32) & LOW)
