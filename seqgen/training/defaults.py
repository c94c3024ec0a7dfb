"""Settings for people who give none, by corpus size, device and time.

Chosen by measurement on the validation splits of real corpora; `benchmarks/README.md` says which were tried.
"""

from collections.abc import Mapping
from typing import TypedDict

from seqgen import settings
from seqgen.training.progress import Budget

CPU_MINUTES = 5.0  # a newcomer's run, where no budget is given
GPU_MINUTES = 3.0
TRANSPOSE = 2  # semitones to either side that music is moved by while training
OFTEN = 18  # epochs from which on other keys help: before, what is the same each time is learned sooner
LONG = 20.0  # minutes on a CPU from which on two wide layers reach further than one
LONG_RATE = 10_000  # tokens a second that two cores learn from at 2×512, roughly
ENOUGH = 300_000  # tokens, below which two wide layers only learn by heart
EMBEDDING = 128  # narrower than the layers: as good, and a tenth more steps in the time
CPU_RATE = 25_000  # tokens a second that two cores learn from at 320 units, roughly


class Shape(TypedDict, total=False):
    """Settings of a model that are not those of its class."""

    hidden: int
    layers: int
    embedding: int


class Training(TypedDict, total=False):
    """Settings of a training that are not those of its class."""

    batch: int
    window: int
    learning_rate: float
    validations: int
    dropout: float
    dropout_input: float
    weight_drop: float
    average: str
    average_decay: float


def choose(tokens: int, device: str, minutes: float | None) -> tuple[Shape, Training]:
    """(model settings, training settings) for a corpus of `tokens`, a device type and a time budget.

    Args:
        tokens: Training tokens.
        device: "cpu", "cuda" or "mps".
        minutes: The time budget, or None where epochs or steps bound the run.
    """
    if device == "cpu":
        return _for_cpu(tokens, minutes if minutes is not None else CPU_MINUTES)
    return _for_gpu(tokens)


def transposition(tokens: int, device: str, budget: Budget, values: Mapping[str, object]) -> int:
    """By how many semitones music is moved while training: not at all in a run of few epochs.

    Args:
        tokens: Of the corpus.
        device: "cpu", "cuda" or "mps".
        budget: Of the run.
        values: Its settings.
    """

    def given(key: str, default: int) -> int:
        return int(settings.convert(key, values.get(key, default), int))

    passes = [float("inf") if budget.epochs is None else budget.epochs]
    if budget.steps is not None:
        passes.append(budget.steps * given("batch", 32) * given("window", 64) / tokens)
    if budget.minutes is not None and device == "cpu":
        passes.append(CPU_RATE * (320 / given("hidden", 320)) ** 2 * 60 * budget.minutes / tokens)
    return TRANSPOSE if min(passes) >= OFTEN else 0


def _for_cpu(tokens: int, minutes: float) -> tuple[Shape, Training]:
    if minutes >= LONG and tokens >= ENOUGH:
        return _for_long(tokens, minutes)
    hidden = 256 if tokens < 100_000 or minutes < 1 else 320 if minutes < 1.75 else 384
    epochs = CPU_RATE * (320 / hidden) ** 2 * 60 * minutes / tokens
    dropout = 0.0 if epochs < 3 else 0.2 if epochs < 8 else 0.35
    batch = 8 if tokens < 50_000 else 16
    checks = min(20, max(4, round(4 * minutes)))  # each takes about a second
    train: Training = {"batch": batch, "window": 64, "learning_rate": 7e-3, "validations": checks, "dropout": dropout}
    return {"hidden": hidden, "embedding": EMBEDDING}, train


def _for_long(tokens: int, minutes: float) -> tuple[Shape, Training]:
    """Time enough for what a GPU would be given, and for the settings of the published checkpoints."""
    epochs = LONG_RATE * 60 * minutes / tokens
    train: Training = {"batch": 32, "window": 64, "learning_rate": 4e-3, "validations": 20}
    if epochs >= 3:
        train |= {"dropout": 0.2 if epochs < 8 else 0.4, "dropout_input": 0.0, "weight_drop": 0.1}
        train |= {"average": "ema", "average_decay": 0.998}
    else:
        train["dropout"] = 0.0
    return {"hidden": 512, "layers": 2, "embedding": EMBEDDING}, train


def _for_gpu(tokens: int) -> tuple[Shape, Training]:
    hidden, dropout = (512, 0.4) if tokens < 400_000 else (768, 0.4) if tokens < 3_000_000 else (1024, 0.2)
    batch = 32 if tokens < 400_000 else 64
    train: Training = {"batch": batch, "window": 128, "learning_rate": 3e-3, "dropout": dropout}
    return {"hidden": hidden, "layers": 2}, train
