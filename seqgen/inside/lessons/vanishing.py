"""vanishing: how far back a gradient reaches in an rnn, a gru and an lstm, over 10 to 500 steps.

The loss of the last step is taken back through the states. In a simple network each step multiplies the gradient by the
same matrix and a slope below 1, so it fades by a constant factor a step (Hochreiter 1991; Bengio et al. 1994). Gates
make the factor a choice: a memory that the forget gate keeps hands its gradient on nearly whole. How long it is kept at
first is the gate's bias: b = ln T keeps for some T steps (Tallec & Ollivier 2018).
"""

import math

import torch
from torch import nn

from seqgen.inside.lessons import Lesson, Say, made
from seqgen.render.curves import Curve, Series
from seqgen.render.report import Section, Table, Text

INPUTS, HIDDEN, BATCH = 8, 32, 16
FAR = 500
LAGS = (10, 50, 100, 200, 500)
KEPT = 200.0  # steps that the gates' biases keep for
TASKS, UPDATES, RATE = (10, 50, 150), 120, 0.01


class Last(nn.Module):
    """A layer and an output that is asked after the last step alone."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.cell = made(name, forget_bias=math.log(KEPT)) if name == "lstm" else made(name)
        self.layer, self.output = self.cell.module(INPUTS, HIDDEN), nn.Linear(HIDDEN, 2)
        if name == "gru":  # its update gate keeps, as the forget gate of the lstm does
            bias = dict(self.layer.named_parameters())["bias_ih_l0"]
            with torch.no_grad():
                bias[HIDDEN : 2 * HIDDEN] = math.log(KEPT)

    def start(self, batch: int) -> tuple[torch.Tensor, ...]:
        """The state before the first step."""
        kind = self.output.weight.dtype
        return tuple(torch.zeros(batch, size, dtype=kind) for size in self.cell.state(HIDDEN))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(T, B, INPUTS) → (B, 2) logits."""
        hidden, _ = self.layer(x, self.start(x.shape[1]))
        found: torch.Tensor = self.output(hidden[-1])
        return found


def by_lag(network: Last, x: torch.Tensor) -> list[float]:
    """The norm of ∂L/∂(state k steps before the end), for k = 0, 1, …, the parts of the state taken together."""
    state, states = network.start(x.shape[1]), []
    for step in torch.split(x, 1):
        _, state = network.layer(step, state)
        for part in state:
            part.retain_grad()
        states.append(state)
    logits = network.output(states[-1][0])
    loss = nn.functional.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long))
    torch.autograd.backward(loss)
    norms = []
    for state in reversed(states):
        squares = sum(float((part.grad**2).sum()) for part in state if part.grad is not None)
        norms.append(math.sqrt(squares))
    return norms


def recall(network: Last, length: int) -> float:
    """Train to say the sign of the first input after `length` steps of noise; the share that is right at the end."""
    optimizer, rights = torch.optim.Adam(network.parameters(), RATE), []
    for _ in range(UPDATES):
        x = torch.randn(length, 64, INPUTS) * 0.5
        x[0, :, 0] = x[0, :, 0].sign()
        x[1:, :, 0] = 0  # the first input speaks once; the others are noise
        logits, wanted = network(x), (x[0, :, 0] > 0).long()
        loss = nn.functional.cross_entropy(logits, wanted)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        rights.append(float((logits.argmax(-1) == wanted).float().mean()))
    return sum(rights[-10:]) / 10


def run(say: Say, seed: int) -> Lesson:
    """Gradients before training, and what can be learned with them."""
    torch.manual_seed(seed)
    x = torch.randn(FAR + 1, BATCH, INPUTS).double()  # in float32 what is below 1e-22 would have a square of 0
    series, rows, numbers = [], [], dict[str, float]()
    for name in ("rnn", "gru", "lstm"):
        torch.manual_seed(seed)
        norms = by_lag(Last(name).double(), x)
        shares = [norms[lag] / norms[0] for lag in LAGS]
        numbers |= {f"{name}_{lag}": share for lag, share in zip(LAGS, shares)}
        said = ", ".join(f"lag {lag}: {share:.1e}" for lag, share in zip(LAGS, shares))
        say(f"{name}: of the gradient at lag 0 there is left at {said}")
        rows.append((name, *(f"{share:.1e}" for share in shares)))
        logs = [math.log10(max(norm, 1e-300)) for norm in norms]
        series.append(Series(name, list(range(len(logs))), logs))
    numbers["rnn_to_lstm_100"] = numbers["rnn_100"] / numbers["lstm_100"]
    say(f"at lag 100 the rnn has {numbers['rnn_to_lstm_100']:.1e} of what the lstm has")
    learned = []
    for name in ("rnn", "gru", "lstm"):
        rights = []
        for length in TASKS:
            torch.manual_seed(seed)
            rights.append(recall(Last(name), length))
            numbers[f"{name}_recall_{length}"] = rights[-1]
            say(f"{name}: recalls the first of {length} inputs in {100 * rights[-1]:.0f} % of cases, chance 50 %")
        learned.append((name, *(f"{100 * right:.0f} %" for right in rights)))
    told = Text(
        f"Before any training. The biases of the gates are ln {KEPT:.0f}, so that they keep for some {KEPT:.0f} steps; "
        "the rnn has no gate to set, and its gradient fades at once."
    )
    gradients = Section(
        "Gradients by lag",
        (
            told,
            Curve("‖∂L/∂state‖", tuple(series), x_label="lag in steps", y_label="log10 of the norm"),
            Table(("cell", *(f"lag {lag}" for lag in LAGS)), tuple(rows), "Share of the gradient that is left"),
        ),
    )
    about = Text(
        f"The first input is to be recalled after so many steps of noise, after {UPDATES} updates; chance is 50 %."
    )
    recalled = Section("What can be learned", (about, Table(("cell", *(f"{n} steps" for n in TASKS)), tuple(learned))))
    return Lesson("vanishing: rnn, gru, lstm", (gradients, recalled), numbers)
