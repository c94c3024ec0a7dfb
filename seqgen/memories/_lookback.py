"""The rule of `_places` over windows of tensors, and `lookback` as a torch module."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqgen import clock as clocks
from seqgen.memories import CLOCK
from seqgen.memories import _places as p
from seqgen.memories._moved import moved
from seqgen.memories._places import LAGS, LONGEST, RIGHT, WAYS, WIDTH, WRONG

State = tuple[Tensor, ...]


class Standing(NamedTuple):
    """Where the tokens of a window stand, and those that are kept before it.

    Attributes:
        everything: (B, N + T) 1 + ids, 0: none.
        documents: (B, N + T) how many documents began since the window did.
        keys: (B, N + T) places as numbers.
        bar, own: (B, T) bars begun since the window did, places within the bar as numbers.
    """

    everything: Tensor
    documents: Tensor
    keys: Tensor
    bar: Tensor
    own: Tensor


SCALE = 0.1  # standard deviation of fresh ids, as of token embeddings: larger ones are noise before anything is learned


class LookbackLayer(nn.Module):
    """What may follow, added to token embeddings.

    Args:
        length: Tokens that are kept.
        size: Numbers in a token embedding, E.
        vocab_size: Ids are below it.
    """

    clock: Tensor
    most: Tensor

    def __init__(self, length: int, size: int, vocab_size: int) -> None:
        super().__init__()
        self.register_buffer(CLOCK, torch.zeros(vocab_size, clocks.COLUMNS))
        self.register_buffer("most", torch.tensor(clocks.MOST), persistent=False)
        self.ids = nn.Embedding(vocab_size, WIDTH)
        self.ways = nn.Linear(WAYS * WIDTH, size, bias=False)
        self.said = nn.Embedding(WAYS * RIGHT, size)
        self.match = nn.Embedding(LONGEST, size)
        self.trust = nn.Embedding(LONGEST, 1)
        self.place = nn.Embedding(clocks.PLACES, size)
        nn.init.normal_(self.ids.weight, std=SCALE)
        nn.init.ones_(self.trust.weight)
        for weight in (self.ways.weight, self.said.weight, self.match.weight, self.place.weight):
            nn.init.zeros_(weight)

    def forward(self, x: Tensor, ids: Tensor, state: State) -> tuple[Tensor, State]:
        """x (T, B, E), ids (T, B), state → y (T, B, E), the state after."""
        return self.read(x, ids, state)[:2]

    def read(self, x: Tensor, ids: Tensor, state: State) -> tuple[Tensor, State, Standing]:
        """The same, and where the tokens stand."""
        found, after, standing = looked(ids.t(), self.clock.long().clamp(min=0).minimum(self.most), state)
        follow, right, matched, place = (each.transpose(0, 1) for each in found)  # (T, B, …)
        trust = functional.pad(_rows(self.trust, matched), (len(LAGS), 0), value=1.0)  # (T, B, ways)
        read = (_rows(self.ids, follow) * trust[..., None]).flatten(2)
        said = _rows(self.said, (right + RIGHT * torch.arange(WAYS, device=ids.device)) * (right > 0)).sum(2)
        return x + self.ways(read) + said + _rows(self.match, matched) + self.place(place), after, standing


def _rows(table: nn.Embedding, numbers: Tensor) -> Tensor:
    """The rows of numbers from 1 on; of 0, zeros."""
    return functional.embedding(numbers, functional.pad(table.weight, (0, 0, 1, 0)))


def looked(ids: Tensor, clock: Tensor, state: State) -> tuple[State, State, Standing]:
    """What `lookback.looked` gives of each token of B streams.

    Args:
        ids: (B, T) int64.
        clock: (V, 6) int64.
        state: (B, N) three times, (B, ·), of floating-point numbers.

    Returns:
        For each way 1 + the ids that may follow, or 0, (B, T, ways), and whether they were right; how many tokens
        match, (B, T); places, (B, T). And the state after, and where the tokens stand.
    """
    latest, keys, runs, carried = (part.long() for part in state)
    steps = ids.shape[1]
    bar, own, place, hand = moved(ids, clock, carried[:, : p.CARRIED])
    anew = (clock[ids, 0] >= clocks.DOCUMENT).cumsum(1)
    everything = torch.cat([latest, ids + 1], 1)  # (B, N + T)
    documents = torch.cat([torch.zeros_like(latest), anew], 1)
    every = torch.cat([keys, p.NOW + bar * p.BAR + own], 1)
    standing = Standing(everything, documents, every, bar, own)
    by_place, last_keys = _by_place(standing)
    by_content, matched, runs = _by_content(everything, documents, runs, len(clock) + 1)
    follow = torch.cat([by_place, by_content[..., None]], 2)
    said = torch.cat([carried[:, None, p.CARRIED :], follow[:, :-1]], 1)
    right = torch.where(said == 0, 0, torch.where(said == ids[..., None] + 1, RIGHT, WRONG))
    last = everything[:, steps:] * (documents[:, steps:] == documents[:, -1:])
    after = last, last_keys, runs, torch.cat([hand, follow[:, -1]], 1)
    return (follow, right, matched, place), tuple(part.to(state[0].dtype) for part in after), standing


def _by_place(standing: Standing) -> tuple[Tensor, Tensor]:
    """(B, T, lags) 1 + the ids after what stood at each lag, or 0; (B, N) the places of the last ones as numbers."""
    everything, _, every, bar, own = standing
    steps = bar.shape[1]
    begin = p.NOW + torch.stack([bar - lag for lag in LAGS], 2) * p.BAR  # (B, T, lags)
    found = torch.searchsorted(every, (begin + own[..., None]).flatten(1), right=True).view_as(begin)
    first = torch.arange(steps, device=bar.device)[:, None] + 1  # what is still kept at each step
    there = (found > first) & (every.gather(1, (found - 1).clamp(min=0).flatten(1)).view_as(found) >= begin)
    follow = everything.gather(1, found.flatten(1)).view_as(found) * there
    last = every[:, steps:] - bar[:, -1:] * p.BAR
    return follow, torch.where(last < p.BAR, 0, last)


def _by_content(everything: Tensor, documents: Tensor, runs: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """(B, T) 1 + the ids after the longest match, or 0; how long it is; (B, N) the matches of the latest tokens.

    Args:
        everything: (B, N + T) 1 + ids, up to `size`.
        documents: (B, N + T) how many documents began since the window did.
        runs: (B, N) the matches of the first N.
        size: Of the vocabulary, and 1.
    """
    length, steps = runs.shape[1], everything.shape[1] - runs.shape[1]
    apart = everything + documents * size
    order = torch.arange(
        length, device=runs.device, dtype=torch.int32
    )  # half the memory is twice as quick to pass over
    other = order < length - 1  # a token is no match of itself
    run, best = runs.int(), []
    for step in range(steps):
        run = (run + 1) * (apart[:, step + 1 : step + 1 + length] == apart[:, step + length, None]) * other
        best.append((run * length + order).amax(1))
    found, run = torch.stack(best, 1).long(), run.long()  # (B, T)
    matched, at = found // length, found % length
    after = at + torch.arange(steps, device=runs.device) + 2
    follow = everything.gather(1, after.clamp(max=length + steps - 1)) * (matched > 0)
    return follow, matched.clamp(max=LONGEST), run
