"""Settings for people who give none, by corpus size, device and time.

Chosen by measurement on the validation splits of real corpora; `benchmarks/README.md` says which were tried.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import TypedDict

from seqgen import settings
from seqgen.training.progress import Budget

CPU_MINUTES = 5.0  # a newcomer's run, where no budget is given
GPU_MINUTES = 3.0
TRANSPOSE = 2  # semitones to either side that music is moved by while training
OFTEN = 18  # epochs from which on other keys help: before, what is the same each time is learned sooner
ENOUGH = 300_000  # tokens, below which two wide layers only learn by heart
EMBEDDING = 128  # narrower than the layers: as good, and a tenth more steps in the time
CPU_RATE = 40_000  # tokens a second that two good cores learn from at REFERENCE, where nothing was measured
# Tokens that a machine must be able to read at REFERENCE in the time, for a layer of so many units to reach further.
WIDTHS = ((0, 256), (2_500_000, 320), (4_200_000, 384))
MEMORY_COST = 1.45  # of a token with look-back, beside one without
DEEP = 48_000_000  # the same for two layers of 512 units
# Kilobytes: of tiny-shakespeare four times as many gain 0.002 nats more. They go with look-back: lists and programs
# have none, as samples of sqlite-c say again what the corpus said (new 8-grams 23 to 13 %), and notes gain nothing.
COUNTS = 1000
LEARNED = 4.2  # passes of one layer from which on dropout helps: before, it only slows learning


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
    counts: int
    dropout: float
    dropout_input: float
    weight_drop: float
    average: str
    average_decay: float


REFERENCE: Shape = {"hidden": 320, "layers": 1, "embedding": EMBEDDING}  # what the speed of a machine is measured at
STREAMS, WINDOW = 16, 64  # of a step there
NARROW: tuple[Shape, ...] = tuple({"hidden": hidden, "embedding": EMBEDDING} for _, hidden in WIDTHS)
WIDE: Shape = {"hidden": 512, "layers": 2, "embedding": EMBEDDING}
ON_GPU: tuple[Shape, ...] = tuple({"hidden": hidden, "layers": 2} for hidden in (512, 768, 1024))
NONE: Mapping[str, object] = {}


@dataclass(frozen=True)
class Reading:
    """How much a run is going to read, as far as that is known before its first step.

    Attributes:
        tokens: Of the corpus, those that are trained on.
        budget: When it ends.
        rate: Tokens a second that this machine learns from at REFERENCE.
        memory: Whether a memory stands beside the cell, there and in the run.
    """

    tokens: int
    budget: Budget
    rate: float = CPU_RATE
    memory: bool = False

    def most(self) -> float:
        """Tokens that were read at REFERENCE without a memory: with one, as wide a layer learns from fewer."""
        read = self.tokens * self.passes(REFERENCE, STREAMS, WINDOW)
        return read * MEMORY_COST if self.memory and self.budget.minutes is not None else read

    def passes(self, shape: Shape, batch: int, window: int) -> float:
        """How often each token is read by a model of this shape, in steps of `batch` streams of `window` tokens.

        Known where epochs or steps bound the run; where minutes do, the time of a token is taken to grow with the
        squares of the widths.
        """
        budget, found = self.budget, [inf]
        if budget.epochs is not None:
            found.append(budget.epochs)
        if budget.steps is not None:
            found.append(budget.steps * batch * window / self.tokens)
        if budget.minutes is not None:
            size = shape.get("layers", 1) * (shape.get("hidden", REFERENCE["hidden"]) / REFERENCE["hidden"]) ** 2
            found.append(60 * budget.minutes * self.rate / size / self.tokens)
        return min(found)


def choose(device: str, reading: Reading, given: Mapping[str, object] = NONE) -> tuple[Shape, Training]:
    """(model settings, training settings) for a device type and what can be read in the time.

    The size follows what this machine reads in the time, and dropout how often that is the whole corpus: not the
    minutes, in which one machine reads three times as much as another.

    Args:
        device: "cpu", "cuda" or "mps".
        reading: How much the run is going to read.
        given: Settings that are not to be chosen; a shape among them decides how often the corpus is read.
    """
    if device == "cpu":
        shape, train = _for_cpu(reading, given)
        return shape, train | {"counts": COUNTS if reading.memory else 0}  # samples of a GPU would wait for them
    return _for_gpu(reading.tokens)


def is_chosen(shape: Mapping[str, object], device: str) -> bool:
    """Whether a model's settings are some that `choose` gives on a device."""
    shapes = (*NARROW, WIDE) if device == "cpu" else ON_GPU
    return any(all(shape[key] == value for key, value in each.items()) for each in shapes)


def transposition(device: str, reading: Reading, given: Mapping[str, object]) -> int:
    """By how many semitones music is moved while training: not at all in a run of few epochs.

    Args:
        device: "cpu", "cuda" or "mps".
        reading: How much the run is going to read.
        given: Its settings.
    """
    budget = reading.budget if device == "cpu" else replace(reading.budget, minutes=None)
    passes = replace(reading, budget=budget).passes(*_sizes(REFERENCE, given))
    return TRANSPOSE if passes >= OFTEN else 0


def _sizes(shape: Shape, given: Mapping[str, object]) -> tuple[Shape, int, int]:
    """(shape, streams, tokens a window) as given, else `shape` and the usual ones."""

    def number(key: str, default: int) -> int:
        return int(settings.convert(key, given.get(key, default), int))

    found: Shape = {"hidden": number("hidden", shape["hidden"]), "layers": number("layers", shape.get("layers", 1))}
    return found, number("batch", STREAMS), number("window", WINDOW)


def _for_cpu(reading: Reading, given: Mapping[str, object]) -> tuple[Shape, Training]:
    most = reading.most()
    if most >= DEEP and reading.tokens >= ENOUGH:
        return _for_long(reading, given)
    shape = NARROW[0] if reading.tokens < 90_000 else [s for (least, _), s in zip(WIDTHS, NARROW) if most >= least][-1]
    passes = reading.passes(*_sizes(shape, given))
    dropout = 0.0 if passes < LEARNED else 0.2 if passes < 10 else 0.35
    batch = 8 if reading.tokens < 45_000 else STREAMS
    minutes = CPU_MINUTES if reading.budget.minutes is None else reading.budget.minutes
    checks = min(20, max(4, round(4 * minutes)))  # each takes about a second
    train: Training = {"batch": batch, "window": WINDOW, "learning_rate": 7e-3, "validations": checks}
    return shape, train | {"dropout": dropout}


def _for_long(reading: Reading, given: Mapping[str, object]) -> tuple[Shape, Training]:
    """Time enough for what a GPU would be given, and for the settings of the published checkpoints."""
    passes = reading.passes(*_sizes(WIDE, {"batch": 32, **given}))
    train: Training = {"batch": 32, "window": WINDOW, "learning_rate": 4e-3, "validations": 20}
    if passes >= 3:
        train |= {"dropout": 0.2 if passes < 8 else 0.4, "dropout_input": 0.0, "weight_drop": 0.1}
        train |= {"average": "ema", "average_decay": 0.998}
    else:
        train["dropout"] = 0.0
    return WIDE, train


def _for_gpu(tokens: int) -> tuple[Shape, Training]:
    place = sum(tokens >= least for least in (400_000, 3_000_000))
    train: Training = {"batch": 64 if place else 32, "window": 128, "learning_rate": 3e-3}
    return ON_GPU[place], train | {"dropout": 0.2 if place == 2 else 0.4}
