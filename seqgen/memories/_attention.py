"""The attention head of `attention` as a torch module, over windows of any length."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqgen import clock as clocks
from seqgen.memories import CLOCK
from seqgen.memories import _places as p
from seqgen.memories._moved import moved
from seqgen.memories._places import FAR, SAME

GAIN = 2.0  # of the first queries and keys, which are the same: a state finds states like itself from the beginning


class _Where(NamedTuple):
    """Where the states of places (B, places), or those that look at them (B, C), stand.

    Attributes:
        bar: Bars begun since the window did; below 0 before it.
        spot: The place in the bar, and
        here: with voice and count, as numbers.
    """

    bar: Tensor
    spot: Tensor
    here: Tensor

    def at(self, reach: slice) -> "_Where":
        """Those of a stretch."""
        return _Where(*(part[:, reach] for part in self))


class AttentionLayer(nn.Module):
    """One head.

    Args:
        length: Tokens that a token sees, itself included.
        size: Numbers in a hidden state, H.
        head: Numbers in a query, D.
        vocab_size: Ids are below it.
    """

    clock: Tensor
    most: Tensor

    def __init__(self, length: int, size: int, head: int, vocab_size: int) -> None:
        super().__init__()
        self.length, self.head = length, head
        self.register_buffer(CLOCK, torch.zeros(vocab_size, clocks.COLUMNS))
        self.register_buffer("most", torch.tensor(clocks.MOST), persistent=False)
        self.products = nn.Linear(size, 3 * head)
        self.products.bias = nn.Parameter(torch.zeros(head))
        self.output = nn.Linear(head, size, bias=False)
        self.distance = nn.Parameter(torch.zeros(length))  # the nearest first
        self.bars = nn.Parameter(torch.zeros(FAR + 1, SAME))
        nn.init.zeros_(self.output.weight)
        with torch.no_grad():
            nn.init.orthogonal_(self.products.weight[:head], GAIN)
            self.products.weight[head : 2 * head] = self.products.weight[:head]

    def forward(self, x: Tensor, ids: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """x (T, B, H), ids (T, B), state → y (T, B, H), the state after."""
        *rings, waiting, count = state[:4]
        steps, length = len(x), self.length
        slots = torch.arange(length, device=x.device)
        products = functional.linear(x.transpose(0, 1), self.products.weight)  # (B, T, 3·D)
        query, key, value = products.chunk(3, -1)
        query = (query + self.products.bias) / math.sqrt(self.head)
        key = torch.cat([waiting[:, None].to(key.dtype), key], 1)
        # in order: the earlier `length` pairs, the latest last, and those of this window
        order = (count.long() + slots) % length  # (B, length)
        kept = [_rows(ring.view(len(ring), length, -1), order) for ring in rings]
        keys, values = (torch.cat([old.to(new.dtype), new], 1) for old, new in zip(kept, (key[:, :-1], value)))
        looking, there, hand = self._places(ids.t(), order, state[4:])
        first = (length - count).clamp(min=0)  # (B, 1) the first place that holds anything
        blocks = [(slice(at, at + length), at + 1) for at in range(0, steps, length)]
        read = [self._read(query[:, own], looking.at(own), keys, values, there, at, first) for own, at in blocks]
        y = x + self.output(torch.cat(read, 1)).transpose(0, 1)
        after = count + steps
        after = torch.where(after < 2 * length, after, after % length + length)
        order = (slots - after.long()) % length
        rings = [_rows(part[:, steps:].to(waiting.dtype), order).flatten(1) for part in (keys, values)]
        ago = (looking.bar[:, -1:] - there.bar).clamp(max=FAR)
        places = [part[:, steps:].gather(1, order).to(waiting.dtype) for part in (ago, there.spot, there.here)]
        return y, (*rings, key[:, -1].to(waiting.dtype), after, *places, hand.to(waiting.dtype))

    def _places(self, ids: Tensor, order: Tensor, state: tuple[Tensor, ...]) -> tuple[_Where, _Where, Tensor]:
        """Where the tokens (B, T) stand, where the states that they look at do, (B, N + T), and the hand after."""
        *kept, hand = (part.long() for part in state)
        ago, spots, heres = (ring.gather(1, order) for ring in kept)
        bar, here, _, after = moved(ids, self.clock.long().clamp(min=0).minimum(self.most), hand)
        before = (hand[:, 1] + hand[:, 2])[:, None]  # of the state that waits
        here = torch.cat([before, here], 1)
        whole, spot = torch.cat([torch.zeros_like(before), bar], 1), here // p.PLACE
        there = (torch.cat(pair, 1) for pair in ((-ago, whole[:, :-1]), (spots, spot[:, :-1]), (heres, here[:, :-1])))
        return _Where(bar, spot[:, 1:], here[:, 1:]), _Where(*there), after

    def _read(
        self, query: Tensor, looking: _Where, keys: Tensor, values: Tensor, there: _Where, at: int, first: Tensor
    ) -> Tensor:
        """(B, C, D) what C tokens read, the first of which sees places from `at` on."""
        count, length = query.shape[1], self.length
        reach = slice(at, at + length + count - 1)  # places that any of them sees
        place = torch.arange(length + count - 1, device=query.device)
        distance = length - 1 + torch.arange(count, device=query.device)[:, None] - place  # (C, places)
        near = (distance >= 0) & (distance < length)
        scores = query @ keys[:, reach].transpose(1, 2) + self.distance[distance.clamp(0, length - 1)]
        scores = scores + self._by_bars(looking, there.at(reach))
        seen = near & (place + at >= first)[:, None]  # (B, C, places)
        scores = scores.masked_fill(~seen, float("-inf"))
        chances = functional.softmax(functional.pad(scores, (1, 0)), -1)[..., 1:]
        return chances.to(values.dtype) @ values[:, reach]

    def _by_bars(self, looking: _Where, there: _Where) -> Tensor:
        """(B, C, places) the bias by bars between two states, and by whether they stand at the same place in them."""
        pairs = [(one.int()[:, :, None], other.int()[:, None]) for one, other in zip(looking, there)]
        bar, spot, here = pairs
        code = (bar[0] - bar[1]).clamp_(0, FAR).mul_(SAME)  # a state that is still to come is not seen
        code += spot[0] == spot[1]
        code += here[0] == here[1]
        if code.is_cuda:  # where the gradient of index_select adds in any order
            return functional.embedding(code, self.bars.view(-1, 1)).squeeze(-1)
        return self.bars.view(-1).index_select(0, code.view(-1).long()).view(code.shape)  # 30 times as fast there


def _rows(states: Tensor, order: Tensor) -> Tensor:
    """(B, N, D) the rows `order` (B, N) of (B, M, D)."""
    return states.gather(1, order[..., None].expand(-1, -1, states.shape[-1]))
