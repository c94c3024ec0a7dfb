"""The rule of `_places` that says where a stream stands, over windows of tensors."""

import torch
from torch import Tensor

from seqgen import clock as clocks
from seqgen.memories import _places as p


def moved(ids: Tensor, clock: Tensor, hand: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(B, T) bars begun since the window did, places within the bar as numbers, places; (B, ·) the hand after.

    What `_places.moved` does to a hand (B, ·), token after token, as sums and largest values so far.
    """
    bars, to, advance, voice, voiced, counts = clock[ids].unbind(-1)  # (B, T) each
    place0, furthest0, count0, voice0, voiced0 = hand[:, :, None].unbind(1)  # (B, 1) each
    steps = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
    leads = (bars > 0) | (to > 0)
    led, led_to = _latest(leads, steps)
    way = advance.cumsum(1)
    start = torch.where(led, (to - 1).clamp(min=0).gather(1, led_to) - way.gather(1, led_to), place0)
    total = start + way
    full = total // clocks.PLACES
    before = torch.cat([torch.zeros_like(full[:, :1]), full[:, :-1]], 1)
    bar = (bars + full - torch.where(leads, 0, before)).cumsum(1)
    place = total % clocks.PLACES
    named, at = _latest(voice > 0, steps)
    now = torch.where(named, voice.gather(1, at) - 1, voice0)
    left, left_at = _latest(leads | (advance > 0), steps)
    heard, heard_at = _latest(voiced > 0, steps)
    inside = torch.where(left, heard & (heard_at >= left_at), heard | (voiced0 > 0))
    reached = bar * p.BAR + place * p.PLACE + torch.where(inside, now + 1, 0) * p.COUNTS
    furthest = torch.cat([furthest0, reached], 1).cummax(1).values
    changed, changed_at = _latest(furthest[:, 1:] != furthest[:, :-1], steps)
    counted = counts.cumsum(1)
    count = torch.where(changed, counted - (counted - counts).gather(1, changed_at), count0 + counted)
    count = count.clamp(max=p.COUNTS - 1)
    own = furthest[:, 1:] - bar * p.BAR
    after = torch.stack([each[:, -1] for each in (place, own, count, now, inside.long())], 1)
    return bar, own + count, place, after


def _latest(there: Tensor, steps: Tensor) -> tuple[Tensor, Tensor]:
    """(B, T) whether something was there so far, and the latest step at which it was, or 0."""
    at = torch.where(there, steps, -1).cummax(1).values
    return at >= 0, at.clamp(min=0)
