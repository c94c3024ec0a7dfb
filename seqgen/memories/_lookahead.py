"""`lookahead` as a torch module: registers over windows of tensors."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqgen.clock import DOCUMENT
from seqgen.memories import SIGNS
from seqgen.memories import _places as p
from seqgen.memories._lookback import LookbackLayer, Standing, State
from seqgen.memories._places import WIDTH
from seqgen.memories._registers import (
    AHEAD,
    BACK,
    COUNT,
    GIVEN,
    HOLE,
    KEPT,
    LAGS_OF_GIVEN,
    LOADING,
    MADE,
    NEAR,
    READ,
    SIGNS_KNOWN,
    STANDS,
    TWICE,
)


class LookaheadLayer(LookbackLayer):
    """What may follow, in holes what follows them, and in bars that are made what is given, added to token embeddings.

    Args:
        length: Tokens that are kept.
        size: Numbers in a token embedding, E.
        vocab_size: Ids are below it.
    """

    signs: Tensor

    def __init__(self, length: int, size: int, vocab_size: int) -> None:
        super().__init__(length, size, vocab_size)
        self.register_buffer(SIGNS, torch.full((SIGNS_KNOWN,), -1.0))
        self.ahead = nn.Linear(AHEAD * WIDTH, size, bias=False)
        self.given = nn.Linear(READ * WIDTH, size, bias=False)
        self.hold = nn.Parameter(torch.zeros(size))
        nn.init.zeros_(self.ahead.weight)
        nn.init.zeros_(self.given.weight)

    def forward(self, x: Tensor, ids: Tensor, state: State) -> tuple[Tensor, State]:
        """x (T, B, E), ids (T, B), state → y (T, B, E), the state after."""
        *past, register, told = state
        signs, tokens = self.signs.long(), ids.t()  # (B, T)
        begins = self.clock[tokens, 0] >= DOCUMENT
        held = registers(tokens, begins, signs, register.long())
        y, after, standing = self.read(x, torch.where((held.stands == LOADING).t(), signs[0], ids), tuple(past))
        table = functional.pad(self.ids.weight, (0, 0, 1, 0))
        said = self.ahead(functional.embedding(held.kept, table).flatten(2))  # (B, R, E)
        carried = (register[:, STANDS] == HOLE)[:, None]
        first = torch.where(carried, told.to(said.dtype), said[:, 0])
        said = torch.cat([first[:, None], said[:, 1:]], 1)
        of = said.gather(1, held.slot[..., None].expand(-1, -1, said.shape[2])) * (held.stands == HOLE)[..., None]
        near = held.stands == NEAR
        around = aligned(standing, torch.where(near, LAGS_OF_GIVEN[NEAR], LAGS_OF_GIVEN[MADE]))
        told_of = self.given(functional.embedding(around, table).flatten(2))  # (B, T, E)
        y = torch.where((held.stands == LOADING).t()[..., None], self.hold.to(y.dtype), y)
        y = y + (of + told_of * (near | (held.stands == MADE))[..., None]).transpose(0, 1)
        loading = held.stands[:, -1:] == LOADING
        last = held.slot[:, -1, None, None].expand(-1, 1, AHEAD)
        kept = held.kept.gather(1, last)[:, 0] * loading
        now = torch.cat([held.stands[:, -1:], (kept > 0).sum(1, keepdim=True), kept], 1)
        return y, (*after, now.to(register.dtype), of[:, -1].to(told.dtype))


class Registers(NamedTuple):
    """What streams keep over a window.

    Attributes:
        stands: (B, T) where each token stands.
        slot: (B, T) which of the stream's registers each token goes by, the first being the one carried in.
        kept: (B, R, A) 1 + the tokens of each, 0 behind the last.
    """

    stands: Tensor
    slot: Tensor
    kept: Tensor


def registers(ids: Tensor, begins: Tensor, signs: Tensor, register: Tensor) -> Registers:
    """The registers of B streams over T tokens.

    Args:
        ids: (B, T).
        begins: (B, T) whether a document begins with it.
        signs: (5,) the ids of <suffix>, <prefix>, <end>, <given>, <made>.
        register: (B, 2 + AHEAD) those carried in.
    """
    steps = ids.shape[1]
    at = torch.arange(steps, device=ids.device)
    suffix, prefix, end, given, made = ((ids == sign) & ~begins for sign in signs)
    stops = begins | end | given | made
    events = suffix | prefix | stops
    anew = torch.where(suffix | stops, at, -1).cummax(1).values  # (B, T) the last that begins anew, −1: none
    begun = torch.where(suffix, LOADING, _in_parts(anew, given, made, register[:, STANDS, None]))
    begun = torch.where(anew >= 0, begun.gather(1, anew.clamp(min=0)), register[:, STANDS, None])
    prefixes = functional.pad(prefix.long().cumsum(1), (1, 0))  # (B, 1 + T) before each
    behind = prefixes[:, 1:] > prefixes.gather(1, (anew + 1).clamp(min=0))
    stands = torch.where((begun == LOADING) & behind, HOLE, begun)
    slot = suffix.long().cumsum(1)
    slots = steps + 1 if ids.is_cuda else int(slot[:, -1].max()) + 1  # a GPU is not asked
    found = torch.full((len(ids), slots + 1), steps, device=ids.device)  # one more for what is no suffix
    found.scatter_(1, torch.where(suffix, slot, slots), at.expand_as(ids))
    begin = torch.cat([-register[:, COUNT, None], found[:, 1:slots] + 1], 1)  # (B, R)
    following = torch.where(events, at, steps).flip(1).cummin(1).values.flip(1)
    following = functional.pad(following, (0, 2), value=steps)  # (B, T + 2) the next event from each on
    limit = following.gather(1, begin.clamp(min=0))
    limit[:, 0] *= register[:, STANDS] == LOADING
    place = begin[..., None] + torch.arange(AHEAD, device=ids.device)  # (B, R, A)
    read = ids.gather(1, place.clamp(0, steps - 1).flatten(1)).view_as(place) + 1
    kept = torch.where(place < limit[..., None], read, 0)
    carried = torch.where(place[:, 0] < 0, register[:, KEPT:], kept[:, 0])
    return Registers(stands, slot, torch.cat([carried[:, None], kept[:, 1:]], 1))


def _in_parts(anew: Tensor, given: Tensor, made: Tensor, carried: Tensor) -> Tensor:
    """(B, T) where a stream stands from <given> and <made> on; 0 at what is neither.

    Args:
        anew: (B, T) the last token at which it began to stand somewhere, −1: none.
        given, made: (B, T) whether the token is that sign.
        carried: (B, 1) where it stood before the window.
    """
    before = functional.pad(anew[:, :-1], (1, 0), value=-1)
    twice = carried == TWICE
    after_given = _at(given, before, (carried == GIVEN) | twice)
    after_made = _at(made, before, (carried == MADE) | (carried == NEAR))
    near = after_made | (after_given & _at(after_given, before, twice))
    return torch.where(
        made, torch.where(near, NEAR, MADE), torch.where(given, torch.where(after_given, TWICE, GIVEN), 0)
    )


def _at(there: Tensor, place: Tensor, carried: Tensor) -> Tensor:
    """(B, T) of (B, T) at places (B, T); (B, 1) what was carried in where a place is −1."""
    return torch.where(place >= 0, there.gather(1, place.clamp(min=0)), carried)


def aligned(standing: Standing, lag: Tensor) -> Tensor:
    """(B, T, READ) 1 + the tokens some bars before, (B, T), around the last one at this place or before; 0: none."""
    everything, documents, keys, bar, own = standing
    steps, size = bar.shape[1], everything.shape[1]
    first = torch.arange(steps, device=bar.device) + 1  # what is still kept at each step
    begin = p.NOW + (bar - lag) * p.BAR
    found = torch.searchsorted(keys, begin + own // p.PLACE * p.PLACE + p.PLACE - 1, right=True)
    there = (found > first) & (keys.gather(1, (found - 1).clamp(min=0)) >= begin)
    place = found[..., None] - BACK + torch.arange(READ, device=bar.device)  # (B, T, READ)
    last = first + size - steps - 1
    inside = (place >= first[:, None]) & (place <= last[:, None]) & there[..., None]
    place = place.clamp(0, size - 1).flatten(1)
    own_document = documents.gather(1, place).view_as(inside) == documents[:, size - steps :, None]
    return everything.gather(1, place).view_as(inside) * (inside & own_document)
