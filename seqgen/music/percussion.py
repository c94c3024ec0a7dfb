"""Which channels of a MIDI file are percussion, and when: channel 10, and what GS, XG and GM2 say otherwise.

Sources: Roland SC-55 and SC-88 manuals, MIDI implementation ("Use for rhythm part", 40 1x 15; "Mode set", 40 00 7F);
Yamaha XG specifications 1.35 (part mode 08 nn 07; bank MSB 126 and 127; "XG system on"); General MIDI 2 (RP-024),
p. 7: bank MSB 120 is rhythm, 121 melody.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqgen.music.arrays import Ints
from seqgen.music.events import SYSEX, Events

PERCUSSION = 9
BANK, XG_KITS, GM2_KITS = 0, (126, 127), 120
SIZES = 5, 12  # bytes of messages that matter

Change = tuple[int, int, bool]  # a channel, the rank from which on it holds, whether it is percussion


@dataclass(frozen=True)
class Percussion:
    """Changes by channel: (C,) keys, channel × size + rank, in order, and whether the channel is percussion then."""

    size: int = 1
    key: Ints | None = None
    drums: NDArray[np.bool_] | None = None

    @classmethod
    def of(cls, changes: list[Change], size: int) -> "Percussion":
        """From changes in the order in which they hold; `size` is above all ranks."""
        key = np.array([channel * size + rank for channel, rank, _ in changes], np.int64)
        order = np.argsort(key, kind="stable")
        return cls(size, key[order], np.array([drums for *_, drums in changes])[order])

    def at(self, channel: Ints, rank: Ints) -> NDArray[np.bool_]:
        """(N,) whether channels are percussion at ranks."""
        default = channel % 16 == PERCUSSION
        if self.key is None or self.drums is None:
            return np.asarray(default)
        found = np.searchsorted(self.key, channel * self.size + rank, side="right") - 1
        known = (found >= 0) & (self.key[found] // self.size == channel)
        return np.where(known, self.drums[found], default)


def messages(events: Events, data: bytes) -> list[tuple[int, bytes]]:
    """(index of the event, payload) of the system exclusive messages that may speak of percussion."""
    least, most = SIZES
    chosen = (events.status == SYSEX) & (events.size >= least) & (events.size <= most)
    found = np.flatnonzero(chosen)
    return [(at, data[begin : begin + size]) for at, begin, size in _places(events, found)]


def _places(events: Events, found: Ints) -> list[tuple[int, int, int]]:
    return list(zip(found.tolist(), events.start[found].tolist(), events.size[found].tolist()))


def spoken(payload: bytes) -> list[tuple[int, bool]]:
    """What a message says: channels in [0, 16) and whether each is percussion from here on."""
    if _resets(payload):
        return [(channel, channel == PERCUSSION) for channel in range(16)]
    if is_gs(payload) and payload[4] == 0x40 and payload[5] & 0xF0 == 0x10 and payload[6] == 0x15:
        block = payload[5] & 15
        return [(PERCUSSION if block == 0 else block - 1 if block <= PERCUSSION else block, payload[7] > 0)]
    if is_xg(payload) and payload[3] == 8 and payload[4] < 16 and payload[5] == 7:
        return [(payload[4], payload[6] > 0)]
    return []


def is_gs(payload: bytes) -> bool:
    """Whether a message is of Roland's GS; it has nine bytes at least."""
    return len(payload) >= 9 and payload[0] == 0x41 and payload[2:4] == b"\x42\x12"


def is_xg(payload: bytes) -> bool:
    """Whether a message is of Yamaha's XG; it has seven bytes at least."""
    return len(payload) >= 7 and payload[0] == 0x43 and payload[1] & 0xF0 == 0x10 and payload[2] == 0x4C


def _resets(payload: bytes) -> bool:
    """Whether a message sets all of an instrument to GM, GS or XG."""
    gm = payload[0] == 0x7E and payload[2:3] == b"\x09"
    gs = is_gs(payload) and payload[4:7] == b"\x40\x00\x7f"
    return gm or gs or (is_xg(payload) and payload[3:6] == b"\0\0\x7e")


def by_bank(bank: Ints, channel: Ints, xg: bool, gs: bool) -> NDArray[np.bool_]:
    """(N,) which program changes make a channel percussion, or melody again, by the bank they are in.

    Args:
        bank: (N,) the bank MSB of each, or -1.
        channel: (N,) its channel; the changes of a channel stand together and in order.
        xg, gs: What the file is made for.
    """
    return np.asarray(is_kit(bank, xg, gs) != _before(is_kit(bank, xg, gs), channel))


def is_kit(bank: Ints, xg: bool, gs: bool) -> NDArray[np.bool_]:
    """(N,) which banks hold drum kits."""
    return np.asarray((xg & np.isin(bank, XG_KITS)) | ((not gs) & (bank == GM2_KITS)))


def _before(value: NDArray[np.bool_], channel: Ints) -> NDArray[np.bool_]:
    """(N,) the value before, False for the first of each channel."""
    result = np.zeros(len(value), np.bool_)
    result[1:] = value[:-1] & (channel[1:] == channel[:-1])
    return result
