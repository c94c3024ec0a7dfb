"""Claim: a recurrent model predicts the JSB chorales with ≤ 0.36 nats per note-step on the test part.

    python benchmarks/jsb.py jsb16.json [--seeds 1 2 3] [--minutes 15] [--threads 2] [--bfloat16]

The file holds {"train", "valid", "test"}: chorales as lists of steps of a sixteenth, each [S, A, T, B] MIDI numbers or
−1 for silence. What is measured is −ln p of every note given all that stands before it, whole chorales, the state
carried from the first step; silences are predicted but not counted. Steps of all chorales are pooled. The model that
is tested is the one that was best on the validation part; nothing else is chosen by looking at the test part.

The LSTM reads a step of a sixteenth at a time: for each voice the pitch that it had in the step before and for how
long, and the step's place in its bar of sixteen, counted from the beginning. The voices of the step are then predicted
in the order bass, soprano, alto, tenor, each by a layer that sees the hidden state and the voices predicted before it.
A target is "goes on" or a pitch other than the one before: together that is a distribution over the pitches and
silence, so the numbers compare with those of models that name every pitch. All input is known before the note is
predicted. Dropout is locked over time; recurrent weights are dropped too (weight-drop, Merity et al. 2018).

Training chorales are moved to every key in which each voice stays within the range it has in the training part, one
drawn anew each time a chorale is read. The weights tested are an exponential moving average. They are measured twice:
on the chorale as it is, and as the mean of the probabilities that the same weights give to it in each of those keys,
which is a distribution over the same notes given the same past, for as many times the work.
Beside it stands seqgen's n-gram model, trained on the same chorales moved to the same keys and as they are.
"""

import argparse
import copy
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from seqgen.experts.ngram import NGram
from seqgen.training.device import keep_memory

from _report import print_table, write_json  # isort: skip

Ints = NDArray[np.int64]
Features = tuple[Ints, Ints, Ints]
ORDER = (3, 0, 1, 2)
VOICES, SILENCE, GOES_ON = 4, 128, 129
BAR, LONGEST = 16, 16
KNOWN = 2 * VOICES + 1  # features of a step but what is recalled
RUNS = 10  # lengths of a run told apart: 0, 1, 2 to 3, 4 to 7, … steps


def read(path: str) -> dict[str, list[Ints]]:
    """Part → chorales, each (T, 4) in the order of prediction; silence is SILENCE."""
    found = json.loads(Path(path).read_text("utf-8"))
    parts = {part: [np.array(each, np.int64)[:, ORDER] for each in found[part]] for part in ("train", "valid", "test")}
    return {part: [np.where(each < 0, SILENCE, each) for each in chorales] for part, chorales in parts.items()}


def shifts(chorale: Ints, low: Ints, high: Ints) -> range:
    """The transpositions that keep every voice within its range."""
    inside = [
        (low[voice] - line.min(), high[voice] - line.max())
        for voice in range(VOICES)
        if len(line := chorale[:, voice][chorale[:, voice] < SILENCE])
    ]
    return range(int(max(least for least, _ in inside)), int(min(most for _, most in inside)) + 1)


def moved(chorale: Ints, shift: int) -> Ints:
    """The chorale in another key."""
    return np.where(chorale < SILENCE, chorale + shift, SILENCE)


def features(chorale: Ints) -> Features:
    """What is known before each step (T, 9), its notes (T, 4), and the pitches that "goes on" stands for (T, 4)."""
    steps = len(chorale)
    before = np.concatenate((np.full((1, VOICES), SILENCE), chorale[:-1]))
    lasting = np.zeros_like(chorale)
    for step in range(1, steps):
        lasting[step] = np.where(chorale[step - 1] == before[step - 1], lasting[step - 1] + 1, 0)
    place = np.arange(steps)[:, None] % BAR
    known = (before, np.minimum(lasting, LONGEST - 1), place, recalled(chorale))
    return np.concatenate(known, axis=1), chorale, before


def recalled(chorale: Ints) -> Ints:
    """The notes that followed the longest run of steps equal to the latest ones, and its length class: (T, 5).

    Of runs of a length the latest counts. A step is told from the steps before it alone.
    """
    steps = len(chorale)
    found = np.full((steps, VOICES + 1), SILENCE)
    found[:, VOICES] = 0
    runs = np.zeros(steps, np.int64)  # at s: how many steps before s are those before this one
    for step in range(2, steps):
        same = (chorale[: step - 1] == chorale[step - 1]).all(axis=1)
        runs[1:step] = np.where(same, runs[: step - 1] + 1, 0)
        best = step - 1 - int(np.argmax(runs[1:step][::-1]))
        if runs[best]:
            found[step] = (*chorale[best], min(int(runs[best]).bit_length(), RUNS - 1))
    return found


class Chorales(nn.Module):
    """An LSTM over the steps of chorales, and for each voice a layer over it and the voices before it."""

    def __init__(self, hidden: int, layers: int, dropout: float, weight_drop: float) -> None:
        super().__init__()
        self.weight_drop = weight_drop
        sizes = [SILENCE + 1] * VOICES + [LONGEST] * VOICES + [BAR] + [SILENCE + 1] * VOICES + [RUNS]
        self.tables = nn.ModuleList(nn.Embedding(size, hidden) for size in sizes)
        self.lstm = nn.LSTM(hidden, hidden, layers, dropout=dropout if layers > 1 else 0.0)
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(VOICES))
        self.seen = nn.ModuleList(nn.Embedding(SILENCE + 1, hidden) for _ in range(VOICES * VOICES))
        self.mixing = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(VOICES))
        self.outputs = nn.ModuleList(nn.Linear(hidden, GOES_ON + 1) for _ in range(VOICES))
        self.remembered = nn.ModuleList(nn.Embedding(SILENCE + 1, hidden) for _ in range(VOICES))
        self.trust = nn.ModuleList(nn.Linear(hidden, RUNS) for _ in range(VOICES))
        for table in (*self.tables, *self.seen, *self.remembered):
            nn.init.normal_(table.weight, std=0.1)

    def drop(self, x: Tensor) -> Tensor:
        """The same units at every step (Gal & Ghahramani 2016)."""
        return x * self.dropout(torch.ones_like(x[:1]))

    def recurrent(self, x: Tensor) -> Tensor:
        """Outputs (T, B, H) of the LSTM, in training with a part of its recurrent weights left out."""
        weights = dict(self.lstm.named_parameters())
        dropped = {
            name: functional.dropout(weight, self.weight_drop) if name.startswith("weight_hh") else weight
            for name, weight in weights.items()
        }
        chosen = dropped if self.training and self.weight_drop else weights
        found: tuple[Tensor, Any] = torch.func.functional_call(self.lstm, chosen, (x,))
        return found[0]

    def forward(self, inputs: Tensor, notes: Tensor, before: Tensor) -> Tensor:
        """Log-probabilities (T, B, 4, 130) from (T, B, 14), (T, B, 4) and (T, B, 4).

        None is left for the pitch that "goes on" stands for. A voice sees its own pitch before and the notes of the
        voices predicted before it.
        """
        x = torch.stack([table(inputs[..., place]) for place, table in enumerate(self.tables)]).sum(0)
        hidden = self.drop(self.recurrent(self.drop(x)))
        memory, run = inputs[..., KNOWN:-1], inputs[..., -1:]
        expected = torch.where(memory == before, GOES_ON, memory)
        voices = []
        for voice, (head, mix, output) in enumerate(zip(self.heads, self.mixing, self.outputs)):
            z = head(hidden) + self.seen[VOICES * voice + voice](before[..., voice])
            for other in range(voice):
                z = z + self.seen[VOICES * voice + other](notes[..., other])
            z = torch.relu(z + self.remembered[voice](memory[..., voice]))
            z = self.drop(z + torch.relu(mix(self.drop(z))))
            trust = self.trust[voice](z).gather(2, run) * (run > 0)
            voices.append(output(z).scatter_add(2, expected[..., voice : voice + 1], trust))
        logits = torch.stack(voices, 2).float().scatter(3, before.unsqueeze(3), -torch.inf)
        return functional.log_softmax(logits, 3)


def batch_of(made: list[Features]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Padded inputs, notes and pitches before, and which notes there are: (T, B, …)."""
    size, rows = max(len(notes) for _, notes, _ in made), len(made)
    inputs = np.zeros((size, rows, KNOWN + VOICES + 1), np.int64)
    notes, before = np.full((size, rows, VOICES), SILENCE), np.full((size, rows, VOICES), SILENCE)
    there = np.zeros((size, rows, VOICES), bool)
    for row, (x, y, b) in enumerate(made):
        inputs[: len(x), row], notes[: len(y), row], before[: len(b), row], there[: len(y), row] = x, y, b, True
    return torch.from_numpy(inputs), torch.from_numpy(notes), torch.from_numpy(before), torch.from_numpy(there)


def losses(network: nn.Module, made: list[Features]) -> tuple[Tensor, Tensor, Tensor]:
    """Nats of every note (T, B, 4), whether it is there, and whether it sounds."""
    device = next(network.parameters()).device
    inputs, notes, before, there = (tensor.to(device) for tensor in batch_of(made))
    target = torch.where(notes == before, GOES_ON, notes)
    chosen = network(inputs, notes, before).gather(3, target.unsqueeze(3)).squeeze(3)
    return -chosen, there, there & (notes < SILENCE)


@torch.no_grad()
def measure(network: nn.Module, chorales: list[Ints]) -> float:
    """Mean nats of the notes of chorales."""
    network.eval()
    total, count = 0.0, 0
    for at in range(0, len(chorales), 16):
        nats, _, sounding = losses(network, list(map(features, chorales[at : at + 16])))
        total += float(nats[sounding].double().sum())
        count += int(sounding.sum())
    return total / count


@torch.no_grad()
def measure_in_keys(network: nn.Module, chorales: list[Ints], low: Ints, high: Ints) -> float:
    """Mean nats of the notes, each the mean probability over the keys in which the voices stay in range."""
    network.eval()
    total, count = 0.0, 0
    for chorale in chorales:
        keys = sorted({0, *shifts(chorale, low, high)})
        nats, _, sounding = losses(network, [features(moved(chorale, key)) for key in keys])
        mean = math.log(len(keys)) - torch.logsumexp(-nats.double(), 1)
        total += float(mean[sounding[:, 0]].sum())
        count += int(sounding[:, 0].sum())
    return total / count


def ranges(chorales: list[Ints]) -> tuple[Ints, Ints]:
    """The lowest and the highest pitch of each voice, (4,) both."""
    lines = [[each[:, voice][each[:, voice] < SILENCE] for each in chorales] for voice in range(VOICES)]
    return np.array([min(map(np.min, each)) for each in lines]), np.array([max(map(np.max, each)) for each in lines])


def train(parts: dict[str, list[Ints]], asked: argparse.Namespace, seed: int) -> dict[str, Any]:
    """One model, trained for the minutes asked for; its losses on the validation and the test part."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = Chorales(asked.hidden, asked.layers, asked.dropout, asked.weight_drop).to(asked.device)
    average, best = copy.deepcopy(network), copy.deepcopy(network)
    optimizer = torch.optim.AdamW(network.parameters(), asked.rate, betas=(0.9, 0.98), weight_decay=0.02)
    low, high = ranges(parts["train"])
    keys = [shifts(chorale, low, high) for chorale in parts["train"]]
    made = [[features(moved(chorale, key)) for key in row] for chorale, row in zip(parts["train"], keys)]
    began, steps, checks, found = time.perf_counter(), 0, 0, math.inf
    while (share := (time.perf_counter() - began) / (60 * asked.minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = asked.rate * min(1.0, (steps + 1) / 50) * (0.02 + 0.98 * (1 + math.cos(math.pi * share)) / 2)
        pieces = []
        for number in rng.integers(0, len(keys), asked.batch).tolist():
            chorale = parts["train"][number]
            begin = BAR * int(rng.integers(0, max(1, len(chorale) // BAR - asked.steps // BAR + 1)))
            part = slice(begin, begin + asked.steps)
            key = int(rng.integers(0, len(keys[number])))
            inputs, notes, before = made[number][key]
            pieces.append((inputs[part], notes[part], before[part]))
        network.train()
        with torch.autocast(asked.device, torch.bfloat16, enabled=asked.bfloat16):
            nats, there, _ = losses(network, pieces)
        loss = nats[there].mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        steps += 1
        with torch.no_grad():
            for kept, weight in zip(average.parameters(), network.parameters()):
                kept.lerp_(weight, max(1 - asked.average, 1 / (steps + 1)))
        if share * asked.checks >= checks + 1:
            checks += 1
            nats = measure(average, parts["valid"])
            print(f"seed {seed}: {share:4.0%}, {steps} steps, training {loss.item():.4f}, valid {nats:.4f}", flush=True)
            if nats < found:
                found, best = nats, copy.deepcopy(average)
    found = min((measure(model, parts["valid"]), number) for number, model in enumerate((best, average)))
    chosen = (best, average)[found[1]]
    parameters = sum(weight.numel() for weight in network.parameters())
    return {
        "seed": seed, "valid": round(found[0], 4), "test": round(measure(chosen, parts["test"]), 4),
        "in_keys": {part: round(measure_in_keys(chosen, parts[part], low, high), 4) for part in ("valid", "test")},
        "steps": steps, "parameters": parameters, "seconds": round(time.perf_counter() - began),
    }  # fmt: skip


def counted(parts: dict[str, list[Ints]], part: str, augmented: bool) -> float:
    """Nats a note of the n-gram model."""
    low, high = ranges(parts["train"])
    train_part = [moved(each, s) for each in parts["train"] for s in (shifts(each, low, high) if augmented else (0,))]
    joined = [np.concatenate([each.reshape(-1) for each in pieces]) for pieces in (train_part, parts[part])]
    starts = [np.cumsum([0] + [each.size for each in pieces]) for pieces in (train_part, parts[part])]
    model = NGram.fit(joined[0], starts[0], SILENCE + 1)
    nats = model.nats(joined[1], starts[1])
    return round(float(nats[joined[1] < SILENCE].mean()), 4)


def main() -> None:
    """Train a model for each seed; print and store the losses."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--minutes", type=float, default=15, help="of training, each seed")
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--dropout", type=float, default=0.25)
    parser.add_argument("--weight-drop", type=float, default=0.3)
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=128, help="sixteenths of a training window")
    parser.add_argument("--average", type=float, default=0.998)
    parser.add_argument("--checks", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bfloat16", action="store_true", help="train in mixed precision")
    parser.add_argument("--no-json", action="store_true", help="leave no result file")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    keep_memory()
    parts = read(asked.data)
    runs = [train(parts, asked, seed) for seed in asked.seeds]
    ngram = {
        name: {part: counted(parts, part, augmented) for part in ("valid", "test")}
        for name, augmented in (("n-gram", False), ("n-gram, all keys", True))
    }
    rows = [(f"LSTM, seed {run['seed']}", run["valid"], run["test"]) for run in runs]
    rows += [(f"LSTM in all keys, seed {run['seed']}", *run["in_keys"].values()) for run in runs]
    print_table(
        ("model", "valid", "test"), rows + [(name, both["valid"], both["test"]) for name, both in ngram.items()]
    )
    settings = {key: value for key, value in vars(asked).items() if key not in ("data", "no_json")}
    if not asked.no_json:
        print(write_json("jsb", {"runs": runs, "ngram": ngram}, settings))


if __name__ == "__main__":
    main()
