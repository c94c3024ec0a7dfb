"""The ideas of `search.py`, by name: what of the default's settings, step, cell or network each of them changes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from _search_cells import Mogrifier, Projected, mix
from _search_schedule_free import ScheduleFree
from _search_soap import Soap
from _search_step import Loss, Sizes, smoothed, with_z

from seqgen.cells import Cell
from seqgen.models.network import RecurrentLM
from seqgen.training import muon


@dataclass(frozen=True)
class Idea:
    """What differs from the first line.

    Attributes:
        training, shape: Settings.
        size: Of Muon's updates, in place of the project's own.
        optimizer: Makes one that is none of the project's.
        loss: What is minimised, where it is not cross-entropy.
        sizes: (streams, tokens) of an update by phase, where they are parts of a step's.
        shuffled: Tokens of the pieces that documents are cut into and read by, in random order; 0: whole.
        cell: One by name, or one that the project does not have.
        network: What is changed about the network around the cell.
    """

    training: dict[str, Any] = field(default_factory=dict)
    shape: dict[str, Any] = field(default_factory=dict)
    size: float = muon.SIZE
    optimizer: Callable[[torch.nn.Module, torch.optim.Optimizer], torch.optim.Optimizer] | None = None
    loss: Loss | None = None
    sizes: Sizes = ()
    shuffled: int = 0
    cell: str | Cell = "lstm"
    network: Callable[[RecurrentLM], None] | None = None


MUON = {"optimizer": "muon"}
WIDER = MUON | {"batch": 32}
SLIM = {"embedding": 32, "tied": False}
FEW = {"hidden": 160}
LEVEL = {"schedule": "constant", "warmup": 0.05}
BATCHES: Sizes = ((8, 64), (16, 64), (32, 64))
WINDOWS: Sizes = ((16, 16), (16, 64), (16, 128))
TWICE = {"learning_rate": 1.4e-2}
IDEAS = {
    "AdamW": Idea(),
    "muon, batch 32": Idea(WIDER),
    "muon, batch 32, dropout 0.1": Idea(WIDER | {"dropout": 0.1}),
    "muon, batch 16, updates 0.2": Idea(MUON, size=0.2),
    "muon, batch 16, updates 0.5": Idea(MUON, size=0.5),
    "muon, batch 16, updates 1.0": Idea(MUON, size=1.0),
    "SOAP on the side of the inputs": Idea(optimizer=Soap),
    "two layers of 208, embedding 32 untied": Idea(shape={"hidden": 208, "layers": 2} | SLIM),
    "batch 32, window 32, embedding 32 untied": Idea({"batch": 32, "window": 32}, SLIM),
    "rate 1.4e-2": Idea(TWICE),
    "rate 2.8e-2": Idea({"learning_rate": 2.8e-2}),
    "rate 5.6e-2": Idea({"learning_rate": 5.6e-2}),
    "muon, batch 16, updates 0.5, rate 1.4e-2": Idea(MUON | TWICE, size=0.5),
    "batch 32": Idea({"batch": 32}),
    "batch 32, rate 1.4e-2": Idea(TWICE | {"batch": 32}),
    "batch 8": Idea({"batch": 8}),
    "batches 8, 16, 32": Idea({"batch": 32}, sizes=BATCHES),
    "batches 8, 16, 32, rate 1.4e-2": Idea(TWICE | {"batch": 32}, sizes=BATCHES),
    "windows 16, 64, 128": Idea({"window": 128}, sizes=WINDOWS),
    "shuffled pieces of 256": Idea(shuffled=256),
    "shuffled pieces of 1,024": Idea(shuffled=1024),
    "label smoothing 0.02": Idea(loss=smoothed(0.02)),
    "label smoothing 0.05": Idea(loss=smoothed(0.05)),
    "z-loss 1e-4": Idea(loss=with_z(1e-4)),
    "schedule-free AdamW, rate 7e-3": Idea(LEVEL, optimizer=ScheduleFree),
    "schedule-free AdamW, rate 1.4e-2": Idea(LEVEL | TWICE, optimizer=ScheduleFree),
    "schedule-free AdamW, rate 2.8e-2": Idea(LEVEL | {"learning_rate": 2.8e-2}, optimizer=ScheduleFree),
    "schedule-free AdamW, rate 5.6e-2": Idea(LEVEL | {"learning_rate": 5.6e-2}, optimizer=ScheduleFree),
    "512 units, hidden state of 128": Idea(shape={"hidden": 128}, cell=Projected(512)),
    "mogrifier, 5 rounds of rank 32": Idea(cell=Mogrifier(5, 32)),
    "mixture of 4 softmaxes": Idea(network=partial(mix, count=4)),
    "three layers of minGRU": Idea(shape={"layers": 3}, cell="mingru"),
    "two layers of RG-LRU": Idea(shape={"layers": 2}, cell="rg_lru"),
    "160 units": Idea(shape=FEW),
    "160 units, muon, batch 16, updates 0.5": Idea(MUON, FEW, size=0.5),
}
