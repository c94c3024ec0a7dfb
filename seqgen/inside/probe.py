"""Labels read out of the hidden state: a linear read-out of its mean, largest, smallest and last values, or tuned.

    ids ─► network ─► h₁ … h_T of every layer ─► [mean, largest, smallest, last] ─► logits of the classes

The read-out alone says what the network knows without having been asked (Alain & Bengio 2016; Radford et al. 2017); it
reads what goes into the first layer, too, as probes of layered networks do (Peters et al. 2018). Tuned end to end,
embedding and layers move as well; there the smallest values and what goes into the first layer are left out, and what
stands for the network is the mean of its latest weights (Polyak & Juditsky 1992). Neither sees what it is measured on.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seqgen.checkpoint import Checkpoint
from seqgen.models.dropout import embedding_dropout, variational_dropout
from seqgen.models.network import RecurrentLM

TOGETHER = 64  # documents at once
DECAYS = (0.3, 0.1, 0.03, 0.01, 0.003)  # of the read-out's weights, of which the validation chooses
POOLED = 3  # numbers of each unit that are tuned: its mean, largest and last values
EPOCHS, RATE, WARM = 6, 2e-3, 0.1  # the last is the share of the steps in which the rate rises
DROPOUT, FORGOTTEN = 0.5, 0.2  # shares of units, and of tokens whose embedding is left out at a step
KEPT = 0.98  # of the mean of the weights, at each step
LEAST = 500  # steps: of few documents more epochs are made
Ids = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Examples:
    """Documents with their classes.

    Attributes:
        ids: Of each document, framed, T ≥ 1.
        labels: (D,) class numbers.
    """

    ids: Sequence[Ids]
    labels: NDArray[np.int64]


class Head(nn.Module):
    """A network with a read-out of its states."""

    def __init__(self, network: RecurrentLM, classes: int) -> None:
        super().__init__()
        self.network = network
        width = POOLED * network.settings.hidden * len(network.layers)
        self.output = nn.Linear(width, classes)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def features(self, ids: Tensor, lengths: Tensor, x: Tensor | None = None) -> Tensor:
        """(B, F) means, largest and last values of all layers' states; (B, T) ids, padded behind (B,) lengths.

        Args:
            ids: The documents.
            lengths: Of them.
            x: (T, B, E) token embeddings, where they are not to be looked up.
        """
        _, *layers = self.states(ids, x)
        return torch.cat([each for states in layers for each in _pooled(states, lengths)[:POOLED]], dim=-1)

    def states(self, ids: Tensor, x: Tensor | None = None) -> list[Tensor]:
        """(T, B, E) what the first layer reads, and (T, B, H) what each gives out."""
        network = self.network
        x = self._embedded(ids) if x is None else x
        state = network.initial_state(len(ids))
        if network.memory is not None and network.beside is not None and network.beside.side == "input":
            x, _ = network.memory(x, ids.t(), state[-1])
        found = [x]
        for layer, parts in zip(network.layers, state):
            x, _ = layer(variational_dropout(x, DROPOUT if self.training else 0.0), parts)
            found.append(x)
        return found

    def _embedded(self, ids: Tensor) -> Tensor:
        table = self.network.embedding.weight
        return nn.functional.embedding(ids.t(), embedding_dropout(table, FORGOTTEN if self.training else 0.0))


def _pooled(states: Tensor, lengths: Tensor) -> list[Tensor]:
    """(B, ·) the mean, largest, last and smallest values of (T, B, ·) states, padded behind (B,) lengths."""
    inside = (torch.arange(len(states))[:, None] < lengths[None])[..., None]  # (T, B, 1)
    return [
        (states * inside).sum(dim=0) / lengths[:, None],
        states.masked_fill(~inside, -torch.inf).amax(dim=0),
        states[lengths - 1, torch.arange(len(lengths))],
        states.masked_fill(~inside, torch.inf).amin(dim=0),
    ]


def features(checkpoint: Checkpoint, documents: Sequence[Ids]) -> NDArray[np.float32]:
    """(D, F) the features of documents under a network as it is: of each layer and of what the first reads."""
    head = Head(checkpoint.network(), 2).eval()
    rows = np.argsort([len(ids) for ids in documents], kind="stable")
    made = list[NDArray[np.float32]]()
    with torch.inference_mode():
        for begin in range(0, len(rows), TOGETHER):
            ids, lengths = _padded([documents[row] for row in rows[begin : begin + TOGETHER]])
            found = [each for states in head.states(ids) for each in _pooled(states, lengths)]
            made.append(torch.cat(found, dim=-1).numpy())
    return np.concatenate(made)[np.argsort(rows)]


@dataclass(frozen=True, eq=False)
class ReadOut:
    """A linear read-out of features.

    Attributes:
        weight, bias: (classes, F) and (classes,).
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    def predict(self, rows: NDArray[np.float32]) -> NDArray[np.int64]:
        """(N,) the likeliest classes of (N, F) features."""
        return np.asarray((rows @ self.weight.T + self.bias).argmax(axis=1), np.int64)


def read_out(
    train: NDArray[np.float32], labels: NDArray[np.int64], held: NDArray[np.float32], held_labels: NDArray[np.int64],
    classes: int,
) -> ReadOut:  # fmt: skip
    """Logistic regression on features whose decay is chosen on those that are held."""
    mean, spread = train.mean(axis=0), train.std(axis=0) + 1e-3
    scaled, wanted = torch.from_numpy((train - mean) / spread), torch.from_numpy(labels)
    best, chosen = -1.0, ReadOut(np.zeros((classes, train.shape[1]), np.float32), np.zeros(classes, np.float32))
    for decay in DECAYS:
        layer = nn.Linear(scaled.shape[1], classes)
        nn.init.zeros_(layer.weight)
        optimizer = torch.optim.LBFGS(layer.parameters(), max_iter=40, line_search_fn="strong_wolfe")

        def closure(
            layer: nn.Linear = layer, optimizer: torch.optim.Optimizer = optimizer, decay: float = decay
        ) -> Tensor:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(layer(scaled), wanted) + decay * layer.weight.square().sum()
            torch.autograd.backward(loss)
            return loss

        optimizer.step(closure)  # type: ignore[no-untyped-call]
        weight = layer.weight.detach().numpy() / spread
        found = ReadOut(weight, layer.bias.detach().numpy() - weight @ mean)
        share = float((found.predict(held) == held_labels).mean())
        if share > best:
            best, chosen = share, found
    return chosen


def tune(checkpoint: Checkpoint, train: Examples, held: Examples, classes: int, seed: int) -> tuple[Head, list[float]]:
    """The network tuned end to end, as it was best on `held`, and that share before and after each epoch.

    Args:
        checkpoint: It is left as it is.
        train: What is learned from.
        held: What chooses the epoch.
        classes: How many there are. The output begins at zero: from the read-out alone it learned more slowly.
        seed: Of order and dropout.
    """
    torch.manual_seed(seed)
    head = Head(checkpoint.network(), classes)
    mean = copy.deepcopy(head).eval()
    optimizer = torch.optim.AdamW(head.parameters(), RATE, weight_decay=0.01)
    batches = -(-len(train.ids) // TOGETHER)
    epochs = max(EPOCHS, -(-LEAST // batches))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, epochs * batches))
    shares: list[float] = [float((predict(mean, held.ids) == held.labels).mean())]
    best, kept = shares[0], copy.deepcopy(mean.state_dict())
    for epoch in range(epochs):
        for rows in _batches(train, np.random.default_rng([seed, epoch])):
            found = nn.functional.dropout(head.features(*_padded([train.ids[row] for row in rows])), DROPOUT)
            loss = nn.functional.cross_entropy(head.output(found), torch.from_numpy(train.labels[rows]))
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(head.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            with torch.no_grad():
                for slow, weight in zip(mean.parameters(), head.parameters()):
                    slow.lerp_(weight, 1 - KEPT)
        shares.append(float((predict(mean, held.ids) == held.labels).mean()))
        if shares[-1] > best:
            best, kept = shares[-1], copy.deepcopy(mean.state_dict())
    mean.load_state_dict(kept)
    return mean, shares


def _rate(step: int, steps: int) -> float:
    """The share of the highest rate: it rises in the first part, and falls to nothing."""
    return min(1.0, (step + 1) / (WARM * steps)) * (1 - step / (steps + 1))


@torch.inference_mode()
def predict(head: Head, documents: Sequence[Ids]) -> NDArray[np.int64]:
    """(D,) the likeliest class of each document."""
    found = np.zeros(len(documents), np.int64)
    order = np.argsort([len(ids) for ids in documents], kind="stable")
    for begin in range(0, len(order), TOGETHER):
        rows = order[begin : begin + TOGETHER]
        scores = head.output(head.features(*_padded([documents[row] for row in rows])))
        found[rows] = scores.argmax(-1).numpy()
    return found


def attributed(head: Head, ids: Ids, steps: int = 32) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """((T,) integrated gradients of the likeliest class's log-odds, (E, T) gradient × input) of one document."""
    tokens, lengths = torch.from_numpy(ids)[None], torch.tensor([len(ids)])
    places, weights = np.polynomial.legendre.leggauss(steps)
    with torch.no_grad():
        x = nn.functional.embedding(tokens.t(), head.network.embedding.weight)
    best = int(head.output(head.features(tokens, lengths)).argmax())
    shares = torch.from_numpy(np.append((places + 1) / 2, 1.0)).to(x)
    scaled = (x * shares[None, :, None]).detach().requires_grad_(True)
    wide = head.features(tokens.expand(len(shares), -1), lengths.expand(len(shares)), x=scaled)
    slopes = torch.autograd.grad(torch.log_softmax(head.output(wide), -1)[:, best].sum(), scaled)[0]
    whole = torch.from_numpy(np.append(weights / 2, 0.0)).to(x)
    integrated = (x[:, 0] * (slopes * whole[None, :, None]).sum(dim=1)).sum(dim=-1)
    return integrated.double().numpy(), (x[:, 0] * slopes[:, -1]).t().double().numpy()


def _padded(documents: Sequence[Ids]) -> tuple[Tensor, Tensor]:
    """(B, T) ids, zeros behind each, and (B,) their lengths."""
    lengths = [len(ids) for ids in documents]
    made = np.zeros((len(documents), max(lengths)), np.int64)
    for row, ids in zip(made, documents):
        row[: len(ids)] = ids
    return torch.from_numpy(made), torch.tensor(lengths)


def _batches(examples: Examples, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Rows of documents of like length together, in random order."""
    noise = rng.uniform(0.8, 1.25, len(examples.ids))
    order = np.argsort([len(ids) for ids in examples.ids] * noise)
    batches = [order[begin : begin + TOGETHER] for begin in range(0, len(order), TOGETHER)]
    return [batches[number] for number in rng.permutation(len(batches))]
