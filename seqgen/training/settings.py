"""What training can be told, each setting with its range."""

from dataclasses import dataclass
from typing import Literal

from seqgen.infilling import FEWEST, MOST
from seqgen.settings import option, require
from seqgen.training.regularisation import Regularisation


@dataclass(frozen=True)
class Optimisation:
    """How the weights move."""

    optimizer: Literal["adamw", "muon"] = option("adamw", "adamw, or muon for the matrices inside the network")
    learning_rate: float = option(4e-3, "the highest learning rate")
    schedule: Literal["cosine", "wsd", "constant"] = option(
        "cosine", "after the warm-up: cosine, wsd (stable, then down in the last part), constant"
    )
    final_rate: float = option(0.02, "the last learning rate, as a share of the highest")
    warmup: float = option(0.03, "share of the run in which the learning rate rises")
    decay: float = option(0.3, "share of the run in which wsd comes down")
    weight_decay: float = option(0.01, "AdamW's decoupled weight decay, on matrices alone")
    beta2: float = option(0.98, "AdamW's memory of squared gradients")
    clip: float = option(1.0, "the gradient's norm is cut down to this")
    average: Literal["none", "ema", "tail"] = option("none", "weights also kept as an average: none, ema, tail")
    average_decay: float = option(0.999, "ema: what stays of the average at each step")
    average_tail: float = option(0.1, "tail: share of the steps so far that the average reaches back")

    def __post_init__(self) -> None:
        require(0 < self.learning_rate <= 10, "learning_rate", self.learning_rate, "above 0, at most 10")
        require(self.optimizer in ("adamw", "muon"), "optimizer", self.optimizer, "adamw or muon")
        schedules = ("cosine", "wsd", "constant")
        require(self.schedule in schedules, "schedule", self.schedule, ", ".join(schedules))
        require(0 <= self.final_rate <= 1, "final_rate", self.final_rate, "0 to 1")
        require(0 <= self.warmup < 1, "warmup", self.warmup, "at least 0 and below 1")
        require(0 < self.decay <= 1, "decay", self.decay, "above 0, at most 1")
        require(0 <= self.weight_decay <= 10, "weight_decay", self.weight_decay, "0 to 10")
        require(0 < self.beta2 < 1, "beta2", self.beta2, "above 0 and below 1")
        require(self.clip > 0, "clip", self.clip, "above 0")
        require(self.average in ("none", "ema", "tail"), "average", self.average, "none, ema or tail")
        require(0 < self.average_decay < 1, "average_decay", self.average_decay, "above 0 and below 1")
        require(0 < self.average_tail <= 1, "average_tail", self.average_tail, "above 0, at most 1")


@dataclass(frozen=True)
class TrainSettings(Optimisation, Regularisation):
    """How a model is trained, whatever its shape."""

    batch: int = option(32, "streams read side by side")
    window: int = option(64, "tokens through which the gradient flows back")
    reset: Literal["document", "never"] = option("document", "when the hidden state starts anew: document or never")
    reset_probability: float = option(0.0, "chance that a stream's state starts anew at a step")
    pack: bool = option(False, "short documents whole and side by side; chosen by their length where not given")
    precision: Literal["auto", "float32", "bfloat16", "float16"] = option("auto", "of matrix products while training")
    validation: float = option(0.1, "share of the corpus held out")
    validations: int = option(12, "validations over the run", "checks")
    patience: int = option(8, "validations without improvement until it stops; 0: never")
    counts: int = option(0, "kilobytes of counts of the corpus that a checkpoint keeps where they help; 0: none")
    infill: float = option(0.0, "share of the corpus that is read with holes, so as to fill them; music: or in parts")
    infill_span: int = option(256, "tokens within which a hole lies, with what is read of both its sides")
    transpose: int = option(0, "music: other keys while training, up or down by so many semitones; drums stay")
    stretch: float = option(0.0, "music: other tempos while training, by this share at most")
    loudness: int = option(0, "music: other velocities while training, by so many levels of four")

    def __post_init__(self) -> None:
        Optimisation.__post_init__(self)
        Regularisation.__post_init__(self)
        require(1 <= self.batch <= 1 << 16, "batch", self.batch, "1 to 65536")
        require(1 <= self.window <= 1 << 16, "window", self.window, "1 to 65536")
        chance = self.reset_probability
        require(0 <= chance < 1, "reset_probability", chance, "at least 0 and below 1")
        require(0 < self.validation < 1, "validation", self.validation, "above 0 and below 1")
        plain = self.reset == "document" and not chance and not (self.transpose or self.stretch or self.loudness)
        others = "false with reset never, reset_probability, transpose, stretch or loudness"
        require(plain or not self.pack, "pack", self.pack, others)
        require(self.validations >= 1, "validations", self.validations, "at least 1")
        require(self.patience >= 0, "patience", self.patience, "at least 0")
        require(0 <= self.counts <= 1 << 20, "counts", self.counts, "0 to 1048576")
        require(0 <= self.infill < 1, "infill", self.infill, "at least 0 and below 1")
        require(FEWEST <= self.infill_span <= MOST, "infill_span", self.infill_span, f"{FEWEST} to {MOST}")
        require(0 <= self.transpose <= 12, "transpose", self.transpose, "0 to 12")
        require(0 <= self.stretch <= 0.3, "stretch", self.stretch, "0 to 0.3")
        require(0 <= self.loudness <= 8, "loudness", self.loudness, "0 to 8")
