"""How windows reach the device on which they are learned from.

`HostFeed` gathers each step's windows in main memory and sends them. `DeviceFeed` keeps the whole stream on the device,
two bytes a token, and gathers there: the host sends only where windows lie, many steps at a time, and never waits.
Both give the same numbers, in the order that `seqgen.training.data` lays down.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqgen.training.data import IGNORED, Epoch, gather, wanted_of

Ids = NDArray[np.unsignedinteger[Any]]

PLANNED = 256  # steps whose windows are sent at once
SHARE = 0.25  # of the device's free memory that the stream may take
BLOCK = 1 << 24  # tokens sent at once, so that a stream longer than main memory gets through


@dataclass(frozen=True)
class Window:
    """What one step learns from.

    Attributes:
        x, y: (B, T) int64 inputs and targets on the device; targets to leave out are IGNORED.
        keep: (B,) 0 where a stream begins with a fresh state, else 1; None: 1 everywhere.
        count: Targets that are not IGNORED, of all of the epoch's streams.
    """

    x: Tensor
    y: Tensor
    keep: Tensor | None
    count: int


class Feed(Protocol):
    """Gives a step its windows."""

    def window(self, epoch: Epoch, step: int, rows: slice = slice(None)) -> Window:
        """The windows of a step; `rows` are the streams wanted of the epoch's, always the same ones."""
        ...


class HostFeed:
    """Gathers in main memory.

    Args:
        ids: (N,) the stream.
        end_id: The document token.
        device: Where windows go.
    """

    def __init__(self, ids: Ids, end_id: int, device: torch.device) -> None:
        self.ids, self.end_id, self.device = ids, end_id, device

    def window(self, epoch: Epoch, step: int, rows: slice = slice(None)) -> Window:
        """See `Feed`."""
        begin, length, fresh = epoch.windows(step)
        ids = self.ids if epoch.ids is None else epoch.ids
        inputs, targets = gather(ids, begin[rows], length[rows], epoch.window, self.end_id)
        keep = self._send((~fresh[rows]).astype(np.float32)) if fresh[rows].any() else None
        return Window(self._send(inputs), self._send(targets), keep, wanted_of(ids, begin, length))

    def _send(self, array: NDArray[Any]) -> Tensor:
        tensor = torch.from_numpy(array)
        if self.device.type == "cuda":  # from pinned memory a copy needs no waiting
            return tensor.pin_memory().to(self.device, non_blocking=True)
        return tensor.to(self.device)


class DeviceFeed:
    """Gathers on the device.

    Args:
        ids: (N,) the stream, uint16 or uint32; it is copied to the device whole.
        end_id: The document token.
        device: Where.
        planned: Steps whose windows are sent at once.
    """

    def __init__(self, ids: Ids, end_id: int, device: torch.device, planned: int = PLANNED) -> None:
        self.end_id, self.device, self.planned = end_id, device, planned
        self.stream, self.mask = _resident(ids, device)
        self._epoch: Epoch | None = None
        self._rows = slice(None)
        self._steps = range(0)

    def window(self, epoch: Epoch, step: int, rows: slice = slice(None)) -> Window:
        """See `Feed`."""
        if epoch is not self._epoch or step not in self._steps or rows != self._rows:
            self._plan(epoch, step, rows)
        index = step - self._steps.start
        begin, length, keep = self._begin[index], self._length[index], self._keep[index]
        offsets = torch.arange(epoch.window + 1, device=self.device)
        where = begin[:, None] + offsets  # (B, T+1)
        last = len(self.stream) - 1
        tokens = self.stream[where.clamp(max=last)].long() & self.mask
        tokens = torch.where(where <= last, tokens, self.end_id)
        inside = offsets[:-1] < length[:, None]
        x = torch.where(inside, tokens[:, :-1], self.end_id)
        y = torch.where(inside, tokens[:, 1:], IGNORED)
        return Window(x, y, keep if self._some_fresh[index] else None, self._counts[index])

    def _plan(self, epoch: Epoch, step: int, rows: slice) -> None:
        """Send where the windows of the next steps lie."""
        self._epoch, self._rows = epoch, rows
        self._steps = range(step, max(step + 1, min(step + self.planned, epoch.steps)))
        begin, length, fresh = epoch.plan(step, len(self._steps))
        self._counts: list[int] = length.sum(axis=1).tolist()
        self._some_fresh = [bool(row.any()) for row in fresh[:, rows]]
        self._begin, self._length = self._send(begin[:, rows]), self._send(length[:, rows])  # (S, B) each
        self._keep = self._send((~fresh[:, rows]).astype(np.float32))

    def _send(self, array: NDArray[Any]) -> Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(array))
        return (tensor.pin_memory() if self.device.type == "cuda" else tensor).to(self.device, non_blocking=True)


def choose(ids: Ids, end_id: int, device: torch.device, free: int | None = None, resident: bool = True) -> Feed:
    """The feed for a device.

    Args:
        ids: (N,) the stream.
        end_id: The document token.
        device: Where windows go.
        free: Bytes free on it; None: ask it.
        resident: Whether every epoch reads the stream as it is, so that it may lie on the device.
    """
    if device.type != "cuda" or not resident:
        return HostFeed(ids, end_id, device)
    if free is None:
        free = torch.cuda.mem_get_info(device)[0]
    fits = ids.dtype.itemsize * len(ids) <= SHARE * free
    return DeviceFeed(ids, end_id, device) if fits else HostFeed(ids, end_id, device)


def _resident(ids: Ids, device: torch.device) -> tuple[Tensor, int]:
    """(the stream on a device, the mask that makes its values unsigned again).

    Torch does more with signed integers than with unsigned ones, so the same bytes go under a signed name.
    """
    narrow = ids.dtype.itemsize == 2
    stream = torch.empty(len(ids), dtype=torch.int16 if narrow else torch.int32, device=device)
    signed = np.int16 if narrow else np.int32
    for at in range(0, len(ids), BLOCK):
        block = np.ascontiguousarray(ids[at : at + BLOCK]).view(signed)
        stream[at : at + BLOCK] = torch.from_numpy(np.array(block))
    return stream, 0xFFFF if narrow else 0xFFFFFFFF
