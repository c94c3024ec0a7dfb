"""Windows of documents as they might have been: ids through a table that is drawn anew for each document and epoch.

Which table a document gets is a pure function of (seed, epoch, document), so there is nothing to save. What tables
mean (other keys, other tempos) is the codec's business.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqgen.errors import SettingError
from seqgen.tokenizer import Tokenizer
from seqgen.training.data import Epoch, Spans, Tables
from seqgen.training.feeding import PLANNED, Feed, Window
from seqgen.training.settings import TrainSettings

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class Augmented:
    """A feed whose windows go through tables, on the device where they are.

    Args:
        feed: Gives the windows.
        tables: (M, V) ids to ids.
        spans: The documents, in the order of the stream.
        seed: Of the choices.
        device: Where the windows are.
    """

    def __init__(self, feed: Feed, tables: Tables, spans: Spans, seed: int, device: torch.device) -> None:
        self.feed, self.spans, self.seed, self.device = feed, spans, seed, device
        self.count, self.vocab_size = tables.shape
        self._flat = torch.from_numpy(np.ascontiguousarray(tables)).to(torch.int32).reshape(-1).to(device)
        self._epoch: Epoch | None = None
        self._rows = slice(None)
        self._steps = range(0)

    def window(self, epoch: Epoch, step: int, rows: slice = slice(None)) -> Window:
        """See `Feed`."""
        if epoch is not self._epoch or step not in self._steps or rows != self._rows:
            self._epoch, self._rows = epoch, rows
            self._steps = range(step, max(step + 1, min(step + PLANNED, epoch.steps)))
            begin, self.spans = epoch.plan(step, len(self._steps))[0][:, rows], epoch.spans
            self._first = torch.from_numpy(self.chosen(epoch.number, begin) * self.vocab_size).to(self.device)
        found, first = self.feed.window(epoch, step, rows), self._first[step - self._steps.start][:, None]
        return Window(self._moved(found.x, first), self._moved(found.y, first), found.keep, found.count)

    def chosen(self, epoch: int, begin: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number of the table for each window that begins at `begin`, of any shape."""
        document = np.searchsorted(self.spans.begin, begin, side="right")
        key = np.uint64((self.seed * int(_GOLDEN) + epoch) % 2**64)
        return (mixed(mixed(key) + document.astype(np.uint64)) % np.uint64(self.count)).astype(np.int64)

    def _moved(self, ids: Tensor, first: Tensor) -> Tensor:
        """(B, T) ids through the table that begins at `first` (B, 1); what is no id stays."""
        return torch.where(ids < 0, ids, self._flat[first + ids.clamp(min=0)].long())


def mixed(value: NDArray[Any] | np.uint64) -> NDArray[np.uint64]:
    """The finalizer of SplitMix64 (Steele, Lea & Flood 2014): neighbours become strangers."""
    with np.errstate(over="ignore"):
        value = np.asarray(value) + _GOLDEN
        value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(value ^ (value >> np.uint64(31)))


def tables_for(tokenizer: Tokenizer, settings: TrainSettings) -> Tables | None:
    """What documents go through while training, or None where nothing of the kind is wanted.

    Raises:
        SettingError: The codec has no such thing.
    """
    wanted = (settings.transpose, settings.stretch, settings.loudness)
    if not any(wanted):
        return None
    tables = tokenizer.augmentations(*wanted)
    if tables is None:
        message = f"transpose, stretch and loudness are for music, this corpus has codec {tokenizer.codec_name}"
        raise SettingError(message, "leave them out")
    return tables
