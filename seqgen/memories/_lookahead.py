"""`lookahead` as a torch module: registers over windows of tensors."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqgen.clock import DOCUMENT
from seqgen.memories import SIGNS
from seqgen.memories._lookback import LookbackLayer, State
from seqgen.memories._places import WIDTH
from seqgen.memories._registers import AHEAD, COUNT, HOLE, KEPT, LOADING, STANDS


class LookaheadLayer(LookbackLayer):
    """What may follow, and in holes what follows them, added to token embeddings.

    Args:
        length: Tokens that are kept.
        size: Numbers in a token embedding, E.
        vocab_size: Ids are below it.
    """

    signs: Tensor

    def __init__(self, length: int, size: int, vocab_size: int) -> None:
        super().__init__(length, size, vocab_size)
        self.register_buffer(SIGNS, torch.full((HOLE + 1,), -1.0))
        self.ahead = nn.Linear(AHEAD * WIDTH, size, bias=False)
        nn.init.zeros_(self.ahead.weight)

    def forward(self, x: Tensor, ids: Tensor, state: State) -> tuple[Tensor, State]:
        """x (T, B, E), ids (T, B), state → y (T, B, E), the state after."""
        *past, register, told = state
        y, after = super().forward(x, ids, tuple(past))
        signs, tokens = self.signs.long(), ids.t()  # (B, T)
        begins = self.clock[tokens, 0] >= DOCUMENT
        held = registers(tokens, begins, signs, register.long())
        rows = functional.embedding(held.kept, functional.pad(self.ids.weight, (0, 0, 1, 0)))  # (B, R, A, W)
        said = self.ahead(rows.flatten(2))  # (B, R, E)
        carried = (register[:, STANDS] == HOLE)[:, None]
        first = torch.where(carried, told.to(said.dtype), said[:, 0])
        said = torch.cat([first[:, None], said[:, 1:]], 1)
        of = said.gather(1, held.slot[..., None].expand(-1, -1, said.shape[2])) * (held.stands == HOLE)[..., None]
        y = y + of.transpose(0, 1)
        loading = held.stands[:, -1:] == LOADING
        last = held.slot[:, -1, None, None].expand(-1, 1, AHEAD)
        kept = held.kept.gather(1, last)[:, 0] * loading
        now = torch.cat([held.stands[:, -1:], (kept > 0).sum(1, keepdim=True), kept], 1)
        return y, (*after, now.to(register.dtype), of[:, -1].to(told.dtype))


class Registers:
    """What streams keep over a window.

    Attributes:
        stands: (B, T) where each token stands.
        slot: (B, T) which of the stream's registers each token goes by, the first being the one carried in.
        kept: (B, R, A) 1 + the tokens of each, 0 behind the last.
    """

    def __init__(self, stands: Tensor, slot: Tensor, kept: Tensor) -> None:
        self.stands, self.slot, self.kept = stands, slot, kept


def registers(ids: Tensor, begins: Tensor, signs: Tensor, register: Tensor) -> Registers:
    """The registers of B streams over T tokens.

    Args:
        ids: (B, T).
        begins: (B, T) whether a document begins with it.
        signs: (3,) the ids of <suffix>, <prefix>, <end>.
        register: (B, 2 + AHEAD) those carried in.
    """
    steps = ids.shape[1]
    at = torch.arange(steps, device=ids.device)
    suffix, prefix = (ids == signs[0]) & ~begins, (ids == signs[1]) & ~begins
    stops = begins | ((ids == signs[2]) & ~suffix)
    prefix = prefix & ~suffix & ~stops
    events = suffix | prefix | stops
    anew = torch.where(suffix | stops, at, -1).cummax(1).values  # (B, T) the last that begins anew, −1: none
    loads = torch.where(anew >= 0, suffix.gather(1, anew.clamp(min=0)), register[:, STANDS, None] == LOADING)
    prefixes = functional.pad(prefix.long().cumsum(1), (1, 0))  # (B, 1 + T) before each
    behind = prefixes[:, 1:] > prefixes.gather(1, (anew + 1).clamp(min=0))
    holes = (loads & behind) | ((anew < 0) & (register[:, STANDS, None] == HOLE))
    stands = torch.where(holes, HOLE, torch.where(loads, LOADING, 0))
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
