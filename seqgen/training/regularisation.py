"""What keeps a network from learning a small corpus by heart."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seqgen.settings import option, require

if TYPE_CHECKING:
    from seqgen.models.dropout import Rates


@dataclass(frozen=True)
class Regularisation:
    """What is dropped or penalised while training (Merity, Keskar & Socher 2018 for most of it)."""

    dropout: float = option(0.0, "share of units dropped: where the three below are none, in all three places")
    dropout_input: float | None = option(None, "share of the units that the first layer sees")
    dropout_hidden: float | None = option(None, "share of the units between two layers")
    dropout_output: float | None = option(None, "share of the units that the output layer sees")
    dropout_embedding: float = option(0.0, "share of tokens whose whole embedding is dropped")
    weight_drop: float = option(0.0, "share of recurrent connections dropped")
    activation_reg: float = option(0.0, "cost of large hidden states", "activation")
    temporal_activation_reg: float = option(0.0, "cost of hidden states that change quickly", "change")

    def __post_init__(self) -> None:
        for name in (
            "dropout",
            "dropout_input",
            "dropout_hidden",
            "dropout_output",
            "dropout_embedding",
            "weight_drop",
        ):
            share = getattr(self, name)
            require(share is None or 0 <= share < 1, name, share, "at least 0 and below 1")
        for name in ("activation_reg", "temporal_activation_reg"):
            require(0 <= getattr(self, name) <= 1000, name, getattr(self, name), "0 to 1000")

    def rates(self) -> "Rates":
        """What the network drops."""
        from seqgen.models.dropout import Rates  # torch, which a list of settings does not need

        return Rates(
            self.dropout_embedding,
            self.dropout if self.dropout_input is None else self.dropout_input,
            self.dropout if self.dropout_hidden is None else self.dropout_hidden,
            self.dropout if self.dropout_output is None else self.dropout_output,
            self.weight_drop,
        )
