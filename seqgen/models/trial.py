"""Whether a replay does what a plain call does: both from the same tensors and random numbers, then compared.

What is kept, of before and after the plain call, lies on the host, so that a device which is nearly full has room.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Written:
    """The static tensors that a piece of work writes, each by a name that people can read.

    Attributes:
        weights: What it is there to change. A call that changes none of them, such as one with an overflow in float16,
            is no test of a replay.
        others: What it carries on from call to call.
        outputs: What it writes anew. These are compared by their own size, all else by how far a call moves it.
    """

    weights: Tensors
    others: Tensors = field(default_factory=dict)
    outputs: Tensors = field(default_factory=dict)

    def all(self) -> Tensors:
        """All of them."""
        return self.weights | self.others | self.outputs


class Trial:
    """A plain call that can be taken back, and what it came to.

    Args:
        written: What the work writes, as it stands before the call.
        random: Reads the random state.
        set_random: Sets it.
    """

    def __init__(self, written: Written, random: Callable[[], Tensor], set_random: Callable[[Tensor], None]) -> None:
        self._written, self._random, self._set_random = written, random, set_random
        self._before = self._after = (_copies(written.all()), random())
        self._taken_back = False

    def called(self) -> bool:
        """The plain call has been done. Whether a replay can be compared with it: it moved weights, all is finite."""
        self._after = (_copies(self._written.all()), self._random())
        (before, _), (after, _) = self._before, self._after
        moved = any(not torch.equal(before[name], after[name]) for name in self._written.weights)
        return moved and all(bool(torch.isfinite(tensor).all()) for tensor in after.values())

    def take_back(self) -> None:
        """Everything is as it was before the call."""
        self._taken_back = True
        self._put(*self._before)

    def restore(self) -> None:
        """Everything is as it was after the call."""
        if self._taken_back:
            self._put(*self._after)

    def difference(self, tolerance: float) -> str | None:
        """In what the tensors as they stand differ from those after the plain call, in words; None: in nothing."""
        (before, _), (after, _) = self._before, self._after
        worst, where = 0.0, ""
        for name, tensor in _copies(self._written.all()).items():
            whole = after[name] if name in self._written.outputs else after[name] - before[name]
            share = _share(_size(tensor - after[name]), _size(whole))
            if share > worst:
                worst, where = share, name
        if worst <= tolerance:
            return None
        return f"{where} differs by {100 * worst:.3g} %" if worst < float("inf") else f"{where} differs"

    def _put(self, tensors: Tensors, random: Tensor) -> None:
        with torch.no_grad():
            for name, tensor in self._written.all().items():
                tensor.copy_(tensors[name])
        self._set_random(random)


def _copies(tensors: Tensors) -> Tensors:
    return {name: tensor.detach().to("cpu", copy=True) for name, tensor in tensors.items()}


def _size(tensor: Tensor) -> float:
    return float(torch.linalg.vector_norm(tensor, dtype=torch.float64))


def _share(part: float, whole: float) -> float:
    """Part of whole; infinite where it is not a number, or where there is a part of nothing."""
    if part == 0:
        return 0.0
    return part / whole if whole > 0 and part < float("inf") else float("inf")
