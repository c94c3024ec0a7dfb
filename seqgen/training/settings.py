"""What training can be told, each setting with its range."""

from dataclasses import dataclass
from typing import Literal

from seqgen.settings import option, require


@dataclass(frozen=True)
class TrainSettings:
    """How a model is trained, whatever its shape."""

    batch: int = option(32, "streams read side by side")
    window: int = option(64, "tokens through which the gradient flows back")
    learning_rate: float = option(4e-3, "the highest learning rate")
    final_rate: float = option(0.02, "the last learning rate, as a share of the highest")
    warmup: float = option(0.03, "share of the run in which the learning rate rises")
    weight_decay: float = option(0.01, "AdamW's decoupled weight decay, on matrices alone")
    beta2: float = option(0.98, "AdamW's memory of squared gradients")
    clip: float = option(1.0, "the gradient's norm is cut down to this")
    reset: Literal["document", "never"] = option("document", "when the hidden state starts anew: document or never")
    precision: Literal["auto", "float32", "bfloat16"] = option("auto", "of matrix products while training")
    validation: float = option(0.1, "share of the corpus held out")
    checks: int = option(12, "validations over the run")
    patience: int = option(8, "validations without improvement until it stops; 0: never")

    def __post_init__(self) -> None:
        require(1 <= self.batch <= 1 << 16, "batch", self.batch, "1 to 65536")
        require(1 <= self.window <= 1 << 16, "window", self.window, "1 to 65536")
        require(0 < self.learning_rate <= 10, "learning_rate", self.learning_rate, "above 0, at most 10")
        require(0 <= self.final_rate <= 1, "final_rate", self.final_rate, "0 to 1")
        require(0 <= self.warmup < 1, "warmup", self.warmup, "at least 0 and below 1")
        require(0 <= self.weight_decay <= 10, "weight_decay", self.weight_decay, "0 to 10")
        require(0 < self.beta2 < 1, "beta2", self.beta2, "above 0 and below 1")
        require(self.clip > 0, "clip", self.clip, "above 0")
        require(0 < self.validation < 1, "validation", self.validation, "above 0 and below 1")
        require(self.checks >= 1, "checks", self.checks, "at least 1")
        require(self.patience >= 0, "patience", self.patience, "at least 0")
