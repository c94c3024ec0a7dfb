"""The sustain pedal: when it is held, and which notes it holds. Vectorised; knows nothing of bytes."""

from dataclasses import dataclass

import numpy as np

from seqgen.music.arrays import Ints
from seqgen.music.faults import Faults
from seqgen.music.notes import (
    ALL_SOUND_OFF,
    CONTROL,
    FAR,
    PEDAL,
    Channels,
    latest_event,
    pedal_events,
)


@dataclass(frozen=True)
class Pedals:
    """(P,) times the sustain pedal is held: `down` and `up` are ranks (FAR where never released), `end` is a tick."""

    down: Ints
    up: Ints
    end: Ints


def pedals(events: Channels, last: Ints, faults: Faults) -> Pedals:
    """The pedal of each channel, from controller 64. One that is never released ends with its track."""
    ranks = pedal_events(events)
    if len(ranks) == 0:
        return Pedals(ranks, ranks, ranks)
    ranks = ranks[np.argsort(events.channel[ranks], kind="stable")]
    held, channel = events.second[ranks] >= PEDAL, events.channel[ranks]
    first = np.concatenate(([True], channel[1:] != channel[:-1]))[: len(ranks)]
    before = np.where(first, False, np.concatenate(([False], held[:-1]))[: len(ranks)])
    changes, held, channel = ranks[held != before], held[held != before], channel[held != before]
    down = changes[held]
    next_change = np.append(changes[1:], FAR)[held]
    released = np.append(channel[1:], -1)[held] == channel[held]
    up = np.where(released, next_change, FAR)
    faults.mended("pedal never released", int((~released).sum()))
    end = np.where(released, events.tick[np.where(released, up, 0)], last[events.track[down]]) if len(down) else down
    return Pedals(down, up, np.asarray(end, np.int64))


def fold(events: Channels, held: Pedals, ons: Ints, end: Ints, end_rank: Ints) -> Ints:
    """(N,) the ends of notes with the pedal in mind: until it rises, or its key is struck again."""
    if len(held.down) == 0:
        return end
    pressed = latest_event(events, held.down, events.channel[ons], end_rank)
    order = np.argsort(held.down)
    which = order[np.minimum(np.searchsorted(held.down, pressed, sorter=order), len(order) - 1)]
    caught = np.flatnonzero((pressed >= 0) & (held.up[which] > end_rank))
    restrike = _restrikes(events, ons, ons[caught], end_rank[caught])
    result = end.copy()
    result[caught] = np.maximum(np.minimum(held.end[which[caught]], restrike), end[caught])
    return _sound_off(events, ons, result)


def _sound_off(events: Channels, ons: Ints, end: Ints) -> Ints:
    """(N,) the ends of notes with the controller in mind that ends all sound of a channel, held by a pedal or not."""
    ranks = np.flatnonzero((events.kind == CONTROL) & (events.first == ALL_SOUND_OFF))
    if len(ranks) == 0:
        return end
    size = len(events.tick) + 1
    key = np.sort(events.channel[ranks] * size + ranks)
    place = np.minimum(np.searchsorted(key, events.channel[ons] * size + ons), len(key) - 1)
    channel, rank = np.divmod(key[place], size)
    ahead = (channel == events.channel[ons]) & (rank > ons)
    return np.where(ahead, np.minimum(end, events.tick[np.where(ahead, rank, 0)]), end)


def _restrikes(events: Channels, ons: Ints, caught: Ints, end_rank: Ints) -> Ints:
    """(C,) the tick at which the key of each note caught by the pedal is struck again after its end, or FAR."""
    size = len(events.tick) + 1
    # Mostly sorted already, which a stable sort is quick to see.
    strikes = np.sort((events.channel[ons] * 128 + events.first[ons]) * size + ons, kind="stable")
    key = events.channel[caught] * 128 + events.first[caught]
    again = np.searchsorted(strikes, key * size + np.minimum(end_rank, size - 1))
    following = strikes[np.minimum(again, len(strikes) - 1)]
    struck = (again < len(strikes)) & (following // size == key)
    return np.where(struck, events.tick[np.where(struck, following % size, 0)], FAR)
