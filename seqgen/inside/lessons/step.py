"""step: the equations of rnn, gru and lstm with numbers in them, one step at a time.

Two inputs, two hidden units, weights that fit on a page. Every number is computed here as a person would, and held
beside what the package's own cell gives: the numpy step that samples, and the torch module that trains.
"""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from seqgen.cells import Cell, Parts
from seqgen.inside.lessons import Lesson, Say, made
from seqgen.render.report import Section, SectionPart, Table, Text

INPUTS, HIDDEN, STEPS = 2, 2, 3
Array = NDArray[np.float64]
Weights = Mapping[str, Array]
Line = tuple[str, Array]


def sigmoid(x: Array) -> Array:
    """1 / (1 + e^−x)."""
    return np.asarray(1 / (1 + np.exp(-x)))


def rnn_step(w: Weights, x: Array, state: list[Array]) -> tuple[list[Line], list[Array]]:
    """h ← tanh(W x + U h + b)."""
    total = w["W"] @ x + w["U"] @ state[0] + w["b"]
    h = np.tanh(total)
    return [("a = W x + U h + b", total), ("h = tanh(a)", h)], [h]


def gru_step(w: Weights, x: Array, state: list[Array]) -> tuple[list[Line], list[Array]]:
    """r, z = σ(W x + b + U h + c), n = tanh(W x + b + r ∘ (U h + c)), h ← (1 − z) ∘ n + z ∘ h; rows for r, z, n."""
    (h,) = state
    reads, recalls = np.split(w["W"] @ x + w["b"], 3), np.split(w["U"] @ h + w["c"], 3)
    r, z = sigmoid(reads[0] + recalls[0]), sigmoid(reads[1] + recalls[1])
    n = np.tanh(reads[2] + r * recalls[2])
    h = (1 - z) * n + z * h
    return [("reset gate r", r), ("update gate z", z), ("candidate n", n), ("h = (1 − z) n + z h", h)], [h]


def lstm_step(w: Weights, x: Array, state: list[Array]) -> tuple[list[Line], list[Array]]:
    """i, f, o = σ(W x + U h + b), g = tanh(W x + U h + b), c ← f ∘ c + i ∘ g, h ← o ∘ tanh(c); rows for i, f, g, o."""
    h, c = state
    i, f, g, o = np.split(w["W"] @ x + w["U"] @ h + w["b"], 4)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    c = f * c + i * g
    h = o * np.tanh(c)
    lines = [("input gate i", i), ("forget gate f", f), ("candidate g", g), ("output gate o", o)]
    return [*lines, ("memory c = f c + i g", c), ("h = o tanh(c)", h)], [h, c]


STEPPED: tuple[tuple[str, Cell, Callable[..., tuple[list[Line], list[Array]]]], ...] = (
    ("rnn", made("rnn"), rnn_step),
    ("gru", made("gru"), gru_step),
    ("lstm", made("lstm"), lstm_step),
)


def run(say: Say, seed: int) -> Lesson:
    """Three steps of each cell, by hand and by the package."""
    rng = np.random.default_rng(seed)
    inputs = np.round(rng.normal(size=(STEPS, INPUTS)), 1)
    sections, worst = [], 0.0
    for name, cell, by_hand in STEPPED:
        # 1) Weights of one decimal, under the names that a checkpoint has, and shorter ones to write with.
        shapes = cell.weights(INPUTS, HIDDEN)
        weights = {key: np.round(rng.normal(size=shape) * 0.6, 1) for key, shape in shapes.items()}
        ih, hh, b, c = (weights[f"{kind}_l0"] for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        short = {"W": ih, "U": hh, "b": b, "c": c} if name == "gru" else {"W": ih, "U": hh, "b": b + c}

        # 2) The same steps three times: by hand, by the numpy step, by the torch module.
        state = [np.zeros(HIDDEN) for _ in cell.state(HIDDEN)]
        ours: Parts = tuple(np.zeros((1, size)) for size in cell.state(HIDDEN))
        theirs = _by_torch(cell, weights, inputs)
        given = ", ".join(f"{key} = {(np.round(value, 1) + 0.0).tolist()}" for key, value in short.items())  # no -0.0
        say(f"{name}: {given}")
        parts: list[SectionPart] = [Text(str(by_hand.__doc__)), Text(given)]
        for number, x in enumerate(inputs):
            say(f"{name}, step {number + 1}: x = {x.tolist()}")
            lines, state = by_hand(short, x, state)
            for what, values in lines:
                say(f"    {what:22} = [{', '.join(f'{value:+.4f}' for value in values)}]")
            y, ours = cell.step(weights, x[None], ours)
            worst = max(worst, float(np.abs(y[0] - state[0]).max()), float(np.abs(theirs[number] - state[0]).max()))
            rows = tuple((what, *(round(float(value), 4) for value in values)) for what, values in lines)
            columns = ("", *(f"unit {unit + 1}" for unit in range(HIDDEN)))
            parts.append(Table(columns, rows, f"step {number + 1}: x = {x.tolist()}"))
        sections.append(Section(name, tuple(parts)))
    say(f"by hand, by numpy and by torch: at most {worst:.1e} apart")
    told = Section(
        "Held together", (Text(f"By hand, by numpy and by torch the numbers are at most {worst:.1e} apart."),)
    )
    return Lesson("step: the equations with numbers", (*sections, told), {"apart": worst})


def _by_torch(cell: Cell, weights: Weights, inputs: Array) -> Array:
    """(STEPS, HIDDEN) what the module that trains gives for the same weights, all steps at once."""
    layer = cell.module(INPUTS, HIDDEN).double()
    layer.load_state_dict({key: torch.from_numpy(value) for key, value in weights.items()})
    start = tuple(torch.zeros(1, size, dtype=torch.float64) for size in cell.state(HIDDEN))
    with torch.no_grad():
        y, _ = layer(torch.from_numpy(inputs)[:, None], start)
    return np.asarray(y[:, 0].numpy())
