"""How often each gate is shut and how often open (Karpathy, Johnson & Fei-Fei 2015, "Visualizing and understanding
recurrent networks", figure 2).

A gate is left-saturated where it is below 0.1, right-saturated above 0.9. A forget gate that is right-saturated at
nearly every token keeps its memory over long stretches; an input gate that is left-saturated lets nothing in.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqgen.inside.trace import Trace

SHUT, OPEN = 0.1, 0.9


@dataclass(frozen=True, eq=False)
class Saturation:
    """One gate of one layer.

    Attributes:
        layer: From 1.
        gate: Its name.
        left: (H,) the share of tokens at which each unit's gate is below 0.1.
        right: (H,) the share at which it is above 0.9.
    """

    layer: int
    gate: str
    left: NDArray[np.float64]
    right: NDArray[np.float64]

    def to_json(self) -> dict[str, object]:
        """Plain data: the shares of all units, and their means."""
        return {
            "layer": self.layer,
            "gate": self.gate,
            "left_saturated": round(float(self.left.mean()), 4),
            "right_saturated": round(float(self.right.mean()), 4),
            "units": [[round(float(a), 4), round(float(b), 4)] for a, b in zip(self.left, self.right)],
        }


def saturation(trace: Trace) -> list[Saturation]:
    """Every gate of every layer; empty where the cell has none."""
    return [
        Saturation(layer, name, (values < SHUT).mean(axis=0), (values > OPEN).mean(axis=0))
        for layer, gates in enumerate(trace.gates, 1)
        for name, values in gates.items()
    ]
