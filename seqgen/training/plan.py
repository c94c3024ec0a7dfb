"""Everything that decides how a run goes, in one value. It knows settings, not files."""

import dataclasses
from dataclasses import dataclass
from typing import TypedDict

import torch

from seqgen.cells import Cell
from seqgen.models import ModelSettings
from seqgen.settings import Values
from seqgen.training.progress import Budget, BudgetRecord
from seqgen.training.settings import TrainSettings


class PlanRecord(TypedDict):
    """A plan as checkpoints and run folders store it: names and numbers alone."""

    model: str
    cell: Values
    settings: Values
    train: Values
    budget: BudgetRecord
    seed: int
    device: str
    preset: str
    parent: dict[str, str] | None


@dataclass(frozen=True)
class TrainPlan:
    """Everything that decides how a run goes, resolved.

    Attributes:
        model: The cell's name.
        cell, shape, train: The settings of the cell, the model and the training.
        budget: When it ends.
        seed: Of weights, dropout, split and order.
        device: Where it runs.
        preset: What its settings were chosen by.
        parent: The name and hash of the checkpoint it goes on from, if there is one.
    """

    model: str
    cell: Cell
    shape: ModelSettings
    train: TrainSettings
    budget: Budget
    seed: int
    device: torch.device
    preset: str = "auto"
    parent: dict[str, str] | None = None

    def to_json(self) -> PlanRecord:
        """The resolved configuration, as the checkpoint stores it."""
        return {
            "model": self.model,
            "cell": dataclasses.asdict(self.cell),  # type: ignore[call-overload]
            "settings": self.shape.to_json(),
            "train": dataclasses.asdict(self.train),
            "budget": self.budget.to_json(),
            "seed": self.seed,
            "device": self.device.type,
            "preset": self.preset,
            "parent": self.parent,
        }
