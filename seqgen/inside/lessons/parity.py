"""parity: is the number of ones so far odd? Learned on strings of up to 20 bits, asked of strings of 200.

A network without a state cannot do it: every bit turns the answer round. One with a state needs a single bit of memory
that it flips at a 1 and keeps at a 0; if it finds that rule, it holds for strings of any length.
"""

import torch
from torch import nn

from seqgen.cells import Cell
from seqgen.inside.lessons import Lesson, Say, made
from seqgen.render.curves import Curve, Series
from seqgen.render.heat import Heat
from seqgen.render.report import Section, Table, Text

HIDDEN, BATCH, STEPS, RATE = 16, 64, 1500, 0.01
LONGEST = 20  # bits in training
ASKED = (10, 20, 50, 100, 200)


def strings(count: int, bits: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(bits, count) random bits, and after each whether the ones so far are odd."""
    drawn = torch.randint(0, 2, (bits, count))
    return drawn, drawn.cumsum(0) % 2


class Reader(nn.Module):
    """A layer of a cell of the package, and one output: the log-odds that the parity is odd."""

    def __init__(self, cell: Cell) -> None:
        super().__init__()
        self.sizes = cell.state(HIDDEN)
        self.layer, self.output = cell.module(1, HIDDEN), nn.Linear(HIDDEN, 1)

    def forward(self, bits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(T, B) bits → (T, B) log-odds, (T, B, HIDDEN) hidden states."""
        start = tuple(torch.zeros(bits.shape[1], size) for size in self.sizes)
        hidden, _ = self.layer(bits[..., None].float() * 2 - 1, start)
        return self.output(hidden)[..., 0], hidden


def run(say: Say, seed: int) -> Lesson:
    """Train a GRU and an LSTM, and ask both."""
    tables, curves, numbers, sections = [], [], {}, []
    for name, cell in (("gru", made("gru")), ("lstm", made("lstm"))):
        torch.manual_seed(seed)
        network = Reader(cell)
        losses = _train(network, say, name)
        curves.append(Series(name, list(range(len(losses))), losses))
        rights = [_asked(network, bits) for bits in ASKED]
        for bits, right in zip(ASKED, rights):
            say(f"{name}: strings of {bits:3} bits: {100 * right:.2f} % right, chance 50 %")
            numbers[f"{name}_{bits}"] = right
        tables.append((name, *(f"{100 * right:.2f} %" for right in rights)))
        sections.append(Section(f"Inside the {name}", (_inside(network),)))
    told = Text(
        f"Training saw strings of up to {LONGEST} bits. Longer ones follow the same rule: flip at 1, keep at 0."
    )
    first = Section("Asked", (told, Table(("cell", *(f"{bits} bits" for bits in ASKED)), tuple(tables))))
    training = Section("Training", (Curve("Loss", tuple(curves), (("guessing", 0.6931),), y_label="nats a bit"),))
    return Lesson("parity: longer than any seen", (first, training, *sections), numbers)


def _train(network: Reader, say: Say, name: str) -> list[float]:
    """Short strings first: with long ones from the beginning it takes far longer to find the rule."""
    optimizer, losses = torch.optim.Adam(network.parameters(), RATE), []
    for step in range(STEPS):
        bits = min(LONGEST, 2 + step // 30)
        x, odd = strings(BATCH, bits)
        found, _ = network(x)
        loss = nn.functional.binary_cross_entropy_with_logits(found, odd.float())
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        if step % 250 == 0 or step == STEPS - 1:
            say(f"{name}: step {step:4}, strings of {bits:2} bits, loss {loss.item():.4f}")
    return losses


@torch.no_grad()
def _asked(network: Reader, bits: int) -> float:
    """The share of strings whose parity after the last bit it says rightly."""
    x, odd = strings(1000, bits)
    found, _ = network(x)
    return float(((found[-1] > 0) == odd[-1].bool()).float().mean())


@torch.no_grad()
def _inside(network: Reader) -> Heat:
    """Its units over one string: those that flip at every 1 are the memory."""
    x, _ = strings(1, 40)
    _, hidden = network(x)
    values = hidden[:, 0].t().double().numpy()
    names = [f"unit {number + 1}" for number in range(HIDDEN)]
    return Heat(
        "Its units over a string of 40 bits: the memory changes colour at each 1 and keeps it at each 0",
        values,
        names,
        [str(int(bit)) for bit in x[:, 0]],
        "unit",
        "bit",
    )
