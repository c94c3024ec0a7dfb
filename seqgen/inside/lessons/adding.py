"""adding: a memory that adds, resets and gives out what it holds, set by hand and then learned.

Three numbers come in at each step, as in Hung-yi Lee's lecture on recurrent networks:

    x1   a number
    x2   1: add x1 to the memory, -1: reset the memory, 0: leave it
    x3   1: give out what the memory holds, 0: give out nothing

The gates of an LSTM are made for that: the input gate opens at x2 = 1, the forget gate shuts at x2 = -1, the output
gate opens at x3 = 1.
"""

import numpy as np
import torch
from torch import nn

from seqgen.cells import Parts
from seqgen.inside.lessons import Lesson, Say, made
from seqgen.render.curves import Curve, Series
from seqgen.render.heat import Heat
from seqgen.render.report import Section, Table, Text

SURE = 20.0  # what a gate is pushed by: σ(±10) is 1 or 0 to four places
SMALL = 0.05  # a memory of small numbers stays where tanh is nearly straight
LETTERS = ("x1", "x2", "x3")
HIDDEN, BATCH, STEPS, RATE, LENGTH = 24, 48, 1000, 0.015, 40
ASKED = 100


def by_hand() -> dict[str, np.ndarray]:
    """One LSTM unit that does it; rows are input, forget, candidate, output."""
    into = np.zeros((4, 3))
    into[0, 1], into[1, 1], into[2, 0], into[3, 2] = SURE, SURE, SMALL, SURE
    bias = np.array([-SURE / 2, SURE / 2, 0, -SURE / 2])  # shut, open, nothing, shut
    none = np.zeros(4)
    return {"weight_ih_l0": into, "weight_hh_l0": np.zeros((4, 1)), "bias_ih_l0": bias, "bias_hh_l0": none}


def examples(count: int, length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(T, B, 3) what comes in, (T, B) what is to come out."""
    x1 = torch.rand(length, count)
    drawn = torch.rand(length, count)
    x2 = (drawn < 0.25).float() - (drawn > 0.85).float()
    x3 = (torch.rand(length, count) < 0.3).float()
    memory, out = torch.zeros(count), []
    for number, order, wanted in zip(x1, x2, x3):
        memory = torch.where(order < 0, torch.zeros(count), memory + number * (order > 0))
        out.append(memory * wanted)
    return torch.stack([x1, x2, x3], -1), torch.stack(out)


def run(say: Say, seed: int) -> Lesson:
    """Step through it by hand, then let an LSTM find it."""
    torch.manual_seed(seed)
    x, y = examples(1, 14)
    rows = _step_by_step(x[:, 0].double().numpy(), say)
    losses, error, network = _learned(say, seed)
    about = (
        "x1 is a number; x2 = 1 adds it to the memory, -1 resets the memory; x3 = 1 asks for what it holds. One unit, "
        f"its weights set by hand, each row a step: how far its gates are open, its memory c divided by {SMALL}."
    )
    columns = (*LETTERS, "input", "forget", "output", "memory", "gives out", "wanted")
    shown = tuple((*row, float(value)) for row, value in zip(rows, y[:, 0]))
    shown = tuple(tuple(round(value, 3) + 0.0 for value in row) for row in shown)  # 0.0: no -0
    first = Section("By hand", (Text(about), Table(columns, shown)))
    told = (
        f"Trained on {LENGTH} steps, asked over {ASKED}: squared error {100 * error:.2f} % of always saying the mean."
    )
    series = (Series("error", list(range(len(losses))), losses),)
    curve = Curve("Squared error over training", series, y_label="share of chance")
    trained = Section("Learned", (Text(told), curve, _inside(network)))
    return Lesson("adding: gates at work", (first, trained), {"error": error, "hand": _hand_error()})


def _step_by_step(x: np.ndarray, say: Say) -> list[tuple[float, ...]]:
    cell, weights, begin = made("lstm"), by_hand(), (np.zeros((1, 1)), np.zeros((1, 1)))
    state: Parts = begin
    rows = []
    for step in x:
        gates = {name: float(value[0, 0]) for name, value in cell.gates(weights, step[None], state).items()}
        out, state = cell.step(weights, step[None], state)
        memory, given = float(state[1][0, 0]) / SMALL, float(out[0, 0]) / SMALL
        opened = ", ".join(f"{name} gate {value:.2f}" for name, value in gates.items())
        say(f"x = ({step[0]:.2f}, {step[1]:+.0f}, {step[2]:.0f})  {opened}  memory {memory:.3f}  gives out {given:.3f}")
        rows.append((*(float(value) for value in step), *gates.values(), memory, given))
    return rows


def _hand_error() -> float:
    """What the unit set by hand costs over ASKED steps, as a share of chance."""
    x, y = examples(50, ASKED)
    cell, weights, begin = made("lstm"), by_hand(), (np.zeros((50, 1)), np.zeros((50, 1)))
    state: Parts = begin
    error = 0.0
    for step, wanted in zip(x.double().numpy(), y.double().numpy()):
        out, state = cell.step(weights, step, state)
        error += float(((out[:, 0] / SMALL - wanted) ** 2).mean())
    return error / ASKED / float(y.var())


class Adder(nn.Module):
    """An LSTM layer and one output."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.output = made("lstm").module(3, HIDDEN), nn.Linear(HIDDEN, 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(T, B, 3) → (T, B) what it gives out, (T, B, HIDDEN) hidden states."""
        start = torch.zeros(x.shape[1], HIDDEN)
        hidden, _ = self.layer(x, (start, start))
        return self.output(hidden)[..., 0], hidden


def _learned(say: Say, seed: int) -> tuple[list[float], float, Adder]:
    torch.manual_seed(seed)
    network, losses = Adder(), []
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, STEPS)
    for step in range(STEPS):
        x, y = examples(BATCH, LENGTH)
        loss = ((network(x)[0] - y) ** 2).mean() / y.var()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if step % 150 == 0 or step == STEPS - 1:
            say(f"step {step:4}: squared error {100 * loss.item():7.2f} % of chance")
    with torch.no_grad():
        x, y = examples(500, ASKED)
        error = float(((network(x)[0] - y) ** 2).mean() / y.var())
    say(f"over {ASKED} steps, longer than any seen: {100 * error:.2f} % of chance")
    return losses, error, network


@torch.no_grad()
def _inside(network: Adder) -> Heat:
    x, _ = examples(1, 40)
    values = network(x)[1][:, 0].t().double().numpy()
    marks = ["+" if order > 0 else "0" if order < 0 else "·" for order in x[:, 0, 1].tolist()]
    return Heat(
        "Its units over 40 steps (+ add, 0 reset)",
        values,
        [f"unit {n + 1}" for n in range(HIDDEN)],
        marks,
        "unit",
        "x2",
    )
