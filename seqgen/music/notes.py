"""From events to notes: pairing and programs. Vectorised; knows nothing of bytes.

Events are taken in playing order (by tick, then track, then place in the file), because the state of a channel is
global: a program change or a pedal in one track counts for the notes of another. A port (meta event 0x21) has
sixteen channels of its own.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from seqgen.music.arrays import Ints, differs
from seqgen.music.events import Events
from seqgen.music.faults import Faults
from seqgen.music.percussion import BANK, Percussion, by_bank, is_gs, is_kit, is_xg, messages, spoken
from seqgen.music.score import DRUMS

GM2_BANKS = 120  # bank MSBs from here on may hold drum kits
OFF, ON, KEY_PRESSURE, CONTROL, PROGRAM, CHANNEL_PRESSURE, BEND = range(8, 15)  # the upper half of a status byte
PEDAL = 64  # controller number; values from 64 on mean down (MIDI 1.0 Detailed Specification, p. 12)
ALL_SOUND_OFF, ALL_NOTES_OFF = 120, 123  # controllers; 124 to 127 end all notes too (as above, p. 20 and 25)
PORT = 0x21
FAR = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Channels:
    """Channel events in playing order: (N,) columns; `rank` of an event is its index.

    Attributes:
        tick, track: As in `Events`.
        kind: OFF to BEND; a note-on of velocity 0 is an OFF.
        channel: 16 × port + channel.
        first, second: Data bytes.
        percussion: Which channels are percussion, and when.
    """

    tick: Ints
    track: Ints
    kind: Ints
    channel: Ints
    first: Ints
    second: Ints
    percussion: Percussion = field(default_factory=Percussion)

    def drums(self, ranks: Ints) -> NDArray[np.bool_]:
        """(N,) whether events are on a channel that is percussion then."""
        return self.percussion.at(self.channel[ranks], ranks)


def channel_events(events: Events, data: bytes, faults: Faults) -> Channels:
    """The channel events of a file, those with no place in a `Score` counted as left out."""
    chosen = np.flatnonzero(events.status < 0xF0)
    status = events.status[chosen].astype(np.int64)
    ports = _ports(events, data, chosen)
    kind, second = status >> 4, events.second[chosen].astype(np.int64)
    kind[(kind == ON) & (second == 0)] = OFF
    tick = events.tick[chosen]
    first = events.first[chosen].astype(np.int64)
    columns = (tick, events.track[chosen], kind, ports * 16 + (status & 15), first, second)
    if np.any(tick[1:] < tick[:-1]):
        order = np.argsort(tick, kind="stable")
        tick, track, kind, channel, first, second = (column[order] for column in columns)
        columns = (tick, track, kind, channel, first, second)
    found = _with_percussion(Channels(*columns), events, data)
    _count_left_out(found, faults)
    return found


def _with_percussion(found: Channels, events: Events, data: bytes) -> Channels:
    """The events with what system exclusive messages and banks say of percussion."""
    said = messages(events, data)
    bank = (found.kind == CONTROL) & (found.first == BANK) & (found.second >= GM2_BANKS)
    if not said and not bank.any():
        return found
    ports = _ports(events, data, np.array([at for at, _ in said], np.int64)) if said else np.zeros(0, np.int64)
    ranks = np.searchsorted(found.tick, events.tick[[at for at, _ in said]]) if said else ports
    changes = [
        (16 * port + channel, rank, drums)
        for (at, payload), port, rank in zip(said, ports.tolist(), ranks.tolist())
        for channel, drums in spoken(payload)
    ]
    xg, gs = (any(kind(payload) for _, payload in said) for kind in (is_xg, is_gs))
    changes += _banks(found, xg, gs)
    return replace(found, percussion=Percussion.of(changes, len(found.tick) + 1)) if changes else found


def _banks(events: Channels, xg: bool, gs: bool) -> list[tuple[int, int, bool]]:
    """Which program changes make a channel percussion, or melody again."""
    changes = np.flatnonzero(events.kind == PROGRAM)
    changes = changes[np.argsort(events.channel[changes], kind="stable")]
    banks = np.flatnonzero((events.kind == CONTROL) & (events.first == BANK))
    found = latest_event(events, banks, events.channel[changes], changes)
    value = np.where(found >= 0, events.second[found], -1) if len(banks) else np.full(len(changes), -1)
    turns = by_bank(value, events.channel[changes], xg, gs)
    drums = is_kit(value, xg, gs)[turns]
    return list(zip(events.channel[changes][turns].tolist(), changes[turns].tolist(), drums.tolist()))


def _ports(events: Events, data: bytes, chosen: Ints) -> Ints:
    """(N,) the port of each chosen event: what the last port event before it in its track says, else 0."""
    ports = np.zeros(len(chosen), np.int64)
    found = events.meta[(events.first[events.meta] == PORT) & (events.size[events.meta] >= 1)]
    if len(found) == 0:
        return ports
    value = np.frombuffer(data, np.uint8)[events.start[found]].astype(np.int64)
    latest = np.searchsorted(found, chosen) - 1
    same = (latest >= 0) & (events.track[found[latest]] == events.track[chosen])
    ports[same] = value[latest[same]]
    return ports


def _count_left_out(events: Channels, faults: Faults) -> None:
    kinds = np.bincount(events.kind, minlength=16)
    used = len(pedal_events(events)) + len(_silences(events))
    faults.left_out("controller", int(kinds[CONTROL]) - used)
    faults.left_out("key pressure", int(kinds[KEY_PRESSURE]))
    faults.left_out("channel pressure", int(kinds[CHANNEL_PRESSURE]))
    faults.left_out("pitch bend", int(kinds[BEND]))


def pedal_events(events: Channels) -> Ints:
    """Ranks of the sustain pedal's controllers; percussion has none."""
    ranks = np.flatnonzero((events.kind == CONTROL) & (events.first == PEDAL))
    return np.asarray(ranks[~events.drums(ranks)])


def _silences(events: Channels) -> Ints:
    """Ranks of the controllers that end all notes of their channel."""
    ends = (events.first >= ALL_NOTES_OFF) | (events.first == ALL_SOUND_OFF)
    return np.flatnonzero(ends & (events.kind == CONTROL))


def pair_notes(events: Channels, last: Ints, faults: Faults) -> tuple[Ints, Ints, Ints]:
    """Pair note-ons and note-offs first in, first out, by track, channel and pitch.

    A note whose track has no end for it takes one that no note of another track has a use for. A controller that ends
    all notes of a channel ends those that sound.

    Args:
        events: In playing order.
        last: (tracks,) the last tick of each track, where notes that are never closed end.
        faults: Where notes without an end and ends without a note are counted.

    Returns:
        (N,) rank of each note-on, (N,) tick of its end, (N,) rank of its end (FAR where there is none).
    """
    ranks = np.flatnonzero(events.kind <= ON)
    silences = _silences(events)
    own = events.channel[ranks] * 128 + events.first[ranks]
    key = events.track[ranks] * (128 * (int(events.channel.max(initial=0)) + 1)) + own
    if len(silences):
        stretch = _count_before(events, silences, ranks)
        own, key = (each * (len(silences) + 1) + stretch for each in (own, key))
    ons, end_rank, orphans = _matched(events, ranks, key)
    if len(orphans) and np.any(end_rank == FAR):
        left = np.sort(np.concatenate((ons[end_rank == FAR], orphans)))
        again, ends, orphans = _matched(events, left, own[np.searchsorted(ranks, left)])
        order = np.argsort(ons)
        end_rank[order[np.searchsorted(ons, again, sorter=order)]] = ends
    if len(silences):
        _silence(events, silences, ons, end_rank, faults)
    faults.left_out("note-off without a note", len(orphans))
    closed = end_rank != FAR
    if closed.all():
        end = events.tick[end_rank]
    else:
        end = np.where(closed, events.tick[np.where(closed, end_rank, 0)], last[events.track[ons]])
    faults.mended("note never closed", int((~closed).sum()))
    faults.mended("note of no length", int((end == events.tick[ons]).sum()))
    return ons, end, end_rank


def _count_before(events: Channels, silences: Ints, ranks: Ints) -> Ints:
    """(N,) how many silences of its channel come before each event."""
    size = len(events.tick) + 1
    key = np.sort(events.channel[silences] * size + silences)
    channel = events.channel[ranks] * size
    return np.searchsorted(key, channel + ranks) - np.searchsorted(key, channel)


def _silence(events: Channels, silences: Ints, ons: Ints, end_rank: Ints, faults: Faults) -> None:
    """End the notes that have no end with the next silence of their channel."""
    size = len(events.tick) + 1
    key = np.sort(events.channel[silences] * size + silences)
    still = np.flatnonzero(end_rank == FAR)
    place = np.minimum(np.searchsorted(key, events.channel[ons[still]] * size + ons[still]), len(key) - 1)
    channel, rank = np.divmod(key[place], size)
    ended = (channel == events.channel[ons[still]]) & (rank > ons[still])
    end_rank[still[ended]] = rank[ended]
    faults.mended("note ended by its channel", int(ended.sum()))


def _matched(events: Channels, ranks: Ints, key: Ints) -> tuple[Ints, Ints, Ints]:
    """Note-ons by key, the rank of the end of each (FAR where there is none), and the ends that no note has.

    Args:
        events: In playing order.
        ranks: (M,) note-ons and note-offs, ascending.
        key: (M,) what must be the same of a note-on and its end.
    """
    small = int(key.max(initial=0)) < 1 << 16  # numpy sorts 16-bit integers several times as fast
    order = np.argsort(key.astype(np.uint16) if small else key, kind="stable")
    ranks, key = ranks[order], key[order]
    on = events.kind[ranks] == ON
    if _in_turn(on, key):
        return ranks[::2], ranks[1::2], ranks[:0]
    group = np.cumsum(differs(key)) - 1  # (M,) which key, numbered in order
    orphan = _orphans(on, group)
    off = ~on & ~orphan
    ons, offs = ranks[on], ranks[off]
    # The k-th off of a key closes its k-th on: both stand k places behind the first of their key.
    groups = int(group.max(initial=-1)) + 1
    surplus = np.bincount(group[on], minlength=groups) - np.bincount(group[off], minlength=groups)
    closes = np.arange(len(offs)) + (np.cumsum(surplus) - surplus)[group[off]]
    end_rank = np.full(len(ons), FAR)
    end_rank[closes] = offs
    return ons, end_rank, ranks[orphan]


def _in_turn(on: NDArray[np.bool_], key: Ints) -> bool:
    """Whether each note-on, sorted by key, is followed by its note-off: nothing overlaps, nothing is missing."""
    return bool(on[::2].all() and not on[1::2].any() and np.array_equal(key[::2], key[1::2]))


def _orphans(on: NDArray[np.bool_], group: Ints) -> NDArray[np.bool_]:
    """(N,) which note-offs, sorted by key, find no note sounding: those that bring the count to a new low below 0."""
    if len(on) == 0:
        return np.zeros(0, np.bool_)
    first = differs(group)
    step = np.where(on, 1, -1)
    total = np.cumsum(step)
    depth = total - (total - step)[first][group]  # notes sounding, counted within the key
    # Shifting each key below the one before lets one running minimum serve them all.
    shift = group * (2 * len(on) + 2)
    low = np.minimum.accumulate(np.minimum(depth, 0) - shift) + shift
    earlier = np.where(first, 0, np.concatenate(([0], low[:-1])))
    return np.asarray(~on & (low < earlier))


def programs(events: Channels, ons: Ints) -> tuple[Ints, int]:
    """(N,) the program of each note at its onset, and the kit: the first program of a percussion channel.

    Of several channels one that has notes.
    """
    changes = np.flatnonzero(events.kind == PROGRAM)
    found = latest_event(events, changes, events.channel[ons], ons)
    drums = events.drums(ons)
    program = np.where(found >= 0, events.first[found], 0) if len(changes) else np.zeros(len(ons), np.int64)
    kits = changes[events.drums(changes)]
    heard = kits[np.isin(events.channel[kits], events.channel[ons[drums]])] if len(kits) else kits
    kits = heard if len(heard) else kits
    return np.where(drums, DRUMS, program), int(events.first[kits[0]]) if len(kits) else 0


def latest_event(events: Channels, among: Ints, channel: Ints, rank: Ints) -> Ints:
    """(N,) the latest of the events `among` on a channel before a rank, or -1."""
    if len(among) == 0:
        return np.full(len(rank), -1)
    size = len(events.tick) + 1
    keys = events.channel[among] * size + among
    order = np.argsort(keys, kind="stable")
    at = np.searchsorted(keys[order], channel * size + np.minimum(rank, size - 1)) - 1
    found = among[order][at]
    return np.where((at >= 0) & (events.channel[found] == channel), found, -1)
