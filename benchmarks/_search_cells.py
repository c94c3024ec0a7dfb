"""Cells and an output layer of the search, none of which the project has.

`Mogrifier` (Melis, Kočiský & Blunsom 2020): before a step, what is read and the hidden state gate each other.
`Projected` (Sak, Senior & Beaufays 2014): many units, of which a matrix makes the narrow hidden state.
`Softmaxes` (Yang, Dai, Salakhutdinov & Cohen 2018): a mixture of softmaxes, as its logarithm.
"""

import warnings
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from seqgen.cells import Array, Arrays, Cell, Parts, Shapes, sigmoid
from seqgen.models.network import RecurrentLM


@final
@dataclass(frozen=True)
class Mogrifier(Cell):
    """x ← 2σ(Q h) ∘ x in odd rounds, h ← 2σ(R x) ∘ h in even ones, Q and R of low rank; then an LSTM's step."""

    rounds: int = 5
    rank: int = 32

    def weights(self, inputs: int, hidden: int) -> Shapes:
        shapes: Shapes = {"read": (4 * hidden, inputs), "recur": (4 * hidden, hidden), "bias": (4 * hidden,)}
        for n in range(self.rounds):
            changed, other = (hidden, inputs) if n % 2 else (inputs, hidden)
            shapes |= {f"down.{n}": (self.rank, other), f"up.{n}": (changed, self.rank)}
        return shapes

    def state(self, hidden: int) -> tuple[int, ...]:
        return hidden, hidden

    def module(self, inputs: int, hidden: int) -> nn.Module:
        return _Mogrified(self, inputs, hidden)

    def step(self, weights: Arrays, x: Array, state: Parts) -> tuple[Array, Parts]:
        h, c = state
        for n in range(self.rounds):
            gate = 2 * sigmoid((x if n % 2 else h) @ weights[f"down.{n}"].T @ weights[f"up.{n}"].T)
            x, h = (x, gate * h) if n % 2 else (gate * x, h)
        i, f, g, o = np.split(x @ weights["read"].T + h @ weights["recur"].T + weights["bias"], 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        y = sigmoid(o) * np.tanh(c)
        return y, (y, c)


class _Mogrified(nn.Module):
    def __init__(self, cell: Mogrifier, inputs: int, hidden: int) -> None:
        super().__init__()
        shapes, self.rounds = cell.weights(inputs, hidden), cell.rounds
        made = {name: nn.Parameter(torch.empty(shape)) for name, shape in shapes.items()}
        for name, weight in made.items():
            bound = weight.shape[-1] ** -0.5 if name.startswith(("down", "up")) else hidden**-0.5
            nn.init.uniform_(weight, -bound, bound)
        with torch.no_grad():
            made["bias"].zero_()
            made["bias"][hidden : 2 * hidden] = 1
        self.read, self.recur, self.bias = made["read"], made["recur"], made["bias"]
        self.down = nn.ParameterList(made[f"down.{n}"] for n in range(self.rounds))
        self.up = nn.ParameterList(made[f"up.{n}"] for n in range(self.rounds))

    def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        h, c = state
        both = torch.cat((self.read, self.recur), 1).t()
        downs, ups, outputs = [each.t() for each in self.down], [each.t() for each in self.up], []
        for token in x:
            for n, (down, up) in enumerate(zip(downs, ups)):
                # 2σ(a) = 1 + tanh(a / 2): one operation less for autograd
                gate = torch.tanh((token if n % 2 else h) @ down @ up / 2) + 1
                token, h = (token, gate * h) if n % 2 else (gate * token, h)
            i, f, g, o = torch.addmm(self.bias, torch.cat((token, h), 1), both).chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            outputs.append(h)
        return torch.stack(outputs), (h, c)


@final
@dataclass(frozen=True)
class Projected(Cell):
    """An LSTM of `units`, of which a matrix makes the hidden state: the weights from units to gates have its rank."""

    units: int = 512

    def weights(self, inputs: int, hidden: int) -> Shapes:
        return {name: tuple(weight.shape) for name, weight in self.module(inputs, hidden).named_parameters()}

    def state(self, hidden: int) -> tuple[int, ...]:
        return hidden, self.units

    def module(self, inputs: int, hidden: int) -> nn.Module:
        return _Narrowed(inputs, self.units, hidden)

    def step(self, weights: Arrays, x: Array, state: Parts) -> tuple[Array, Parts]:
        read, recur, narrow, bias_read, bias_recur = (
            weights[f"lstm.{name}_l0"] for name in ("weight_ih", "weight_hh", "weight_hr", "bias_ih", "bias_hh")
        )
        h, c = state
        i, f, g, o = np.split(x @ read.T + h @ recur.T + bias_read + bias_recur, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = (sigmoid(o) * np.tanh(c)) @ narrow.T
        return h, (h, c)


class _Narrowed(nn.Module):
    def __init__(self, inputs: int, units: int, hidden: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(inputs, units, proj_size=hidden)
        weights = dict(self.lstm.named_parameters())
        with torch.no_grad():
            weights["bias_hh_l0"].zero_()
            weights["bias_ih_l0"].zero_()
            weights["bias_ih_l0"][units : 2 * units] = 1

    def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        h, c = state
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "LSTM with projections is not supported with oneDNN")
            y, (h, c) = self.lstm(x, (h[None], c[None]))
        return y, (h[0], c[0])


class Softmaxes(nn.Module):
    """A mixture of softmaxes over one table of tokens: (…, H) → (…, V) log-probabilities.

    Args:
        hidden: H.
        table: (V, E), the embedding that is shared.
        bias: (V,).
        count: Softmaxes.
    """

    def __init__(self, hidden: int, table: Tensor, bias: Tensor, count: int) -> None:
        super().__init__()
        self.count, self.weight, self.bias = count, table, bias
        self.prior, self.latent = nn.Linear(hidden, count), nn.Linear(hidden, count * table.shape[1])

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        prior = functional.log_softmax(self.prior(x), -1)
        latent = self.latent(x).tanh().unflatten(-1, (self.count, -1))  # (…, K, E)
        each = functional.log_softmax(functional.linear(latent, self.weight, self.bias), -1)
        return torch.logsumexp(prior.unsqueeze(-1) + each, -2)


def mix(network: RecurrentLM, count: int) -> None:
    """Put a mixture of `count` softmaxes in the place of a network's projection and tied output layer."""
    output = network.output
    network.projection = None
    made = Softmaxes(network.settings.hidden, network.embedding.weight, output.bias, count)
    network.output = made  # type: ignore[assignment]
