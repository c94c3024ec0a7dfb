"""The attention head of `attention` as a torch module, over windows of any length."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class AttentionLayer(nn.Module):
    """One head.

    Args:
        length: Tokens that a token sees before itself.
        size: Numbers in a hidden state, H.
        head: Numbers in a query, D.
    """

    def __init__(self, length: int, size: int, head: int) -> None:
        super().__init__()
        self.length = length
        self.query = nn.Linear(size, head)
        self.key = nn.Linear(size, head, bias=False)
        self.value = nn.Linear(size, head, bias=False)
        self.output = nn.Linear(head, size, bias=False)
        self.distance = nn.Parameter(torch.zeros(length))  # the nearest first
        nn.init.zeros_(self.query.bias)
        nn.init.zeros_(self.output.weight)

    def forward(self, x: Tensor, ids: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """x (T, B, H), state → y (T, B, H), the state after. `ids` are not looked at."""
        ring, count = state
        steps, batch, size = x.shape
        slots = torch.arange(self.length, device=x.device)
        # in order: the earlier `length` states, the latest last, and those of this window
        order = (count.long() + slots) % self.length  # (B, length)
        kept = _rows(ring.view(batch, self.length, size), order)
        states = torch.cat([kept.to(x.dtype), x.transpose(0, 1)], 1)  # (B, length + T, H)
        first = (self.length - count).clamp(min=0)  # (B, 1) the first place that holds anything
        query = self.query(x.transpose(0, 1)) / math.sqrt(self.query.out_features)
        keys, values = self.key(states[:, :-1]), self.value(states[:, 1:])
        read = [
            self._read(query[:, at : at + self.length], keys, values, at, first) for at in range(0, steps, self.length)
        ]
        y = x + self.output(torch.cat(read, 1)).transpose(0, 1)
        after = count + steps
        after = torch.where(after < 2 * self.length, after, after % self.length + self.length)
        latest = states[:, steps:].to(ring.dtype)
        ring = _rows(latest, (slots - after.long()) % self.length)
        return y, (ring.view(batch, -1), after)

    def _read(self, query: Tensor, keys: Tensor, values: Tensor, at: int, first: Tensor) -> Tensor:
        """(B, C, D) what C tokens read, the first of them being token `at` of the window."""
        count, length = query.shape[1], self.length
        reach = slice(at, at + length + count - 1)  # places that any of them sees
        place = torch.arange(length + count - 1, device=query.device)
        distance = length + torch.arange(count, device=query.device)[:, None] - place  # (C, places)
        near = (distance >= 1) & (distance <= length)
        scores = query @ keys[:, reach].transpose(1, 2) + self.distance[(distance - 1).clamp(0, length - 1)]
        seen = near & (place + at >= first)[:, None]  # (B, C, places)
        scores = scores.masked_fill(~seen, float("-inf"))
        chances = functional.softmax(functional.pad(scores, (1, 0)), -1)[..., 1:]
        return chances.to(values.dtype) @ values[:, reach]


def _rows(states: Tensor, order: Tensor) -> Tensor:
    """(B, N, H) the rows `order` (B, N) of (B, M, H)."""
    return states.gather(1, order[..., None].expand(-1, -1, states.shape[-1]))
