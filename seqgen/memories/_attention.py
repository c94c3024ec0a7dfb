"""The attention head of `attention` as a torch module, over windows of any length."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

GAIN = 2.0  # of the first queries and keys, which are the same: a state finds states like itself from the beginning


class AttentionLayer(nn.Module):
    """One head.

    Args:
        length: Tokens that a token sees, itself included.
        size: Numbers in a hidden state, H.
        head: Numbers in a query, D.
    """

    def __init__(self, length: int, size: int, head: int) -> None:
        super().__init__()
        self.length, self.head = length, head
        self.products = nn.Linear(size, 3 * head)
        self.products.bias = nn.Parameter(torch.zeros(head))
        self.output = nn.Linear(head, size, bias=False)
        self.distance = nn.Parameter(torch.zeros(length))  # the nearest first
        nn.init.zeros_(self.output.weight)
        with torch.no_grad():
            nn.init.orthogonal_(self.products.weight[:head], GAIN)
            self.products.weight[head : 2 * head] = self.products.weight[:head]

    def forward(self, x: Tensor, ids: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """x (T, B, H), state → y (T, B, H), the state after. `ids` are not looked at."""
        *rings, waiting, count = state
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
        first = (length - count).clamp(min=0)  # (B, 1) the first place that holds anything
        blocks = range(0, steps, length)
        read = [self._read(query[:, at : at + length], keys, values, at + 1, first) for at in blocks]
        y = x + self.output(torch.cat(read, 1)).transpose(0, 1)
        after = count + steps
        after = torch.where(after < 2 * length, after, after % length + length)
        order = (slots - after.long()) % length
        rings = [_rows(part[:, steps:].to(waiting.dtype), order).flatten(1) for part in (keys, values)]
        return y, (*rings, key[:, -1].to(waiting.dtype), after)

    def _read(self, query: Tensor, keys: Tensor, values: Tensor, at: int, first: Tensor) -> Tensor:
        """(B, C, D) what C tokens read, the first of which sees places from `at` on."""
        count, length = query.shape[1], self.length
        reach = slice(at, at + length + count - 1)  # places that any of them sees
        place = torch.arange(length + count - 1, device=query.device)
        distance = length - 1 + torch.arange(count, device=query.device)[:, None] - place  # (C, places)
        near = (distance >= 0) & (distance < length)
        scores = query @ keys[:, reach].transpose(1, 2) + self.distance[distance.clamp(0, length - 1)]
        seen = near & (place + at >= first)[:, None]  # (B, C, places)
        scores = scores.masked_fill(~seen, float("-inf"))
        chances = functional.softmax(functional.pad(scores, (1, 0)), -1)[..., 1:]
        return chances.to(values.dtype) @ values[:, reach]


def _rows(states: Tensor, order: Tensor) -> Tensor:
    """(B, N, D) the rows `order` (B, N) of (B, M, D)."""
    return states.gather(1, order[..., None].expand(-1, -1, states.shape[-1]))
