"""What is dropped while a network trains: whole embeddings, units, recurrent weights. Nothing of it is left after.

Masks are drawn once for a window of T tokens and not once for a token (variational dropout, Gal & Ghahramani 2016,
section 4; also called locked), so that the recurrence sees one thinned network through the whole window.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Rates:
    """Shares dropped, each at least 0 and below 1.

    Attributes:
        embedding: Of token embeddings, whole rows (Merity, Keskar & Socher 2018, section 4.3).
        input: Of the units that the first layer sees.
        hidden: Of the units between two layers.
        output: Of the units that the output layer sees.
        recurrent: Of the weights from hidden state to hidden state (DropConnect; ibid., section 2).
    """

    embedding: float = 0.0
    input: float = 0.0
    hidden: float = 0.0
    output: float = 0.0
    recurrent: float = 0.0


NOTHING = Rates()


def variational_dropout(x: Tensor, rate: float) -> Tensor:
    """(T, B, H) with the same units of a stream dropped at all T tokens, the rest scaled up to keep the mean."""
    if not rate:
        return x
    keep = x.new_empty(1, x.shape[1], x.shape[2]).bernoulli_(1 - rate)
    return x * keep.div_(1 - rate)


def embedding_dropout(weight: Tensor, rate: float) -> Tensor:
    """(V, E) with whole rows dropped, the rest scaled up."""
    if not rate:
        return weight
    keep = weight.new_empty(len(weight), 1).bernoulli_(1 - rate)
    return weight * keep.div_(1 - rate)


def weight_drop(weight: Tensor, rate: float) -> Tensor:
    """A recurrent weight with single connections dropped, the rest scaled up."""
    return functional.dropout(weight, rate) if rate else weight


def activation_penalty(raw: Tensor, dropped: Tensor, size: float, change: float) -> Tensor:
    """What large or quickly changing hidden states cost (Merity, McCann & Socher 2017, section 3).

    Args:
        raw: (T, B, H) the last layer's hidden states; the change from token to token is taken of these.
        dropped: (T, B, H) the same after dropout; the size is taken of these.
        size: Weight of the mean square of the states (α).
        change: Weight of the mean square of their differences (β).
    """
    penalty = raw.new_zeros((), dtype=torch.float32)
    if size:
        penalty = penalty + size * dropped.float().square().mean()
    if change and len(raw) > 1:
        penalty = penalty + change * (raw[1:] - raw[:-1]).float().square().mean()
    return penalty
