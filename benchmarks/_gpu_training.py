"""What `gpu.py` asks of training on a GPU: parity, kernel, speed, losses. Prints nothing.

- parity: the losses of 50 steps, captured in a CUDA graph and not, with dropout, weight-drop and averaging.
- kernel: which kernels the recurrent layers ran, by the profiler; the persistent one has "persist" in its name.
- speed: tokens a second of our steps, beside a plain multi-layer `nn.LSTM` loop in float32 and under autocast, and
  beside the serial floor: tokens depend on each other, so that N tokens in B streams take at least N/B times layers
  times one step of a bare one-layer `nn.LSTM`, forward and backward, in the same precision.
- training: `seqgen train TEXT` for so many minutes, then protocols A and B and the n-gram baseline.

Contenders take turns in every round; rates are medians over rounds. What cannot run here is written down as such.
"""

import dataclasses
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from seqgen.cells.lstm import LSTM
from seqgen.models import ModelSettings
from seqgen.models.network import RecurrentLM
from seqgen.training.data import Epoch, Spans
from seqgen.training.feeding import DeviceFeed, HostFeed
from seqgen.training.settings import TrainSettings
from seqgen.training.step import Step

from train_text import measure as train_and_evaluate  # isort: skip

MISSING = "not measured: needs a GPU"
PARITY_STEPS, TOLERANCE = 50, 1e-2  # relative, of a step's loss
Work = Callable[[int], object]  # so many steps


@dataclasses.dataclass(frozen=True)
class Case:
    """What is measured: a shape and a device."""

    device: torch.device
    hidden: int
    layers: int
    batch: int
    window: int
    vocabulary: int
    rounds: int
    seconds: float

    @property
    def settings(self) -> TrainSettings:
        """Regularised as a small corpus needs it."""
        return TrainSettings(batch=self.batch, window=self.window, dropout=0.3, weight_drop=0.3, average="ema")

    def step(self, settings: TrainSettings, capture: bool) -> Step:
        """A fresh network's, always the same one."""
        torch.manual_seed(1)
        shape = ModelSettings(hidden=self.hidden, layers=self.layers)
        network = RecurrentLM(LSTM(), shape, self.vocabulary).to(self.device).train()
        step = Step(network, settings, capture=capture)
        torch.manual_seed(2)
        return step

    def wait(self) -> None:
        """Until the device has done all it was told."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()


def fed(case: Case, step: Step) -> Work:
    """Steps on random tokens, with everything that feeding them takes."""
    ids = np.random.default_rng(0).integers(0, case.vocabulary, 200 * case.batch * case.window).astype(np.uint16)
    spans = Spans(np.array([0]), np.array([len(ids)]))
    feed = (DeviceFeed if case.device.type == "cuda" else HostFeed)(ids, 0, case.device)
    epoch, at = Epoch(spans, case.batch, case.window, 1, 0), 0

    def run(steps: int) -> list[torch.Tensor]:
        nonlocal at
        losses = []
        for _ in range(steps):
            window = feed.window(epoch, at % epoch.steps)
            losses.append(step(window.x, window.y, window.keep, window.count, 1e-3))
            at += 1
        return losses

    return run


def parity(case: Case) -> dict[str, Any]:
    """Losses of the same steps, captured and not."""
    found, captured, failure = [], False, None
    for capture in (True, False):
        step = case.step(case.settings, capture)
        found.append(torch.stack(fed(case, step)(PARITY_STEPS)).cpu())
        captured, failure = captured or step.update.captured, failure or step.update.failure
    worst = float(((found[0] - found[1]) / found[1]).abs().max())
    return {
        "captured": captured if case.device.type == "cuda" else MISSING,
        "capture failed": failure,
        "worst relative difference": worst,
        "within tolerance": bool(worst <= TOLERANCE),
        "losses finite": bool(all(torch.isfinite(each).all() for each in found)),
    }


def kernels(case: Case) -> dict[str, Any]:
    """Names of the kernels of one step."""
    if case.device.type != "cuda":
        return {"persistent": MISSING}
    from torch.profiler import ProfilerActivity, profile

    step = case.step(case.settings, capture=False)
    run = fed(case, step)
    run(3)
    with profile(activities=[ProfilerActivity.CUDA]) as seen:
        run(1)
        case.wait()
    names = sorted({event.key for event in seen.key_averages()})
    half = step.precision == torch.float16
    legal = half and step.network.cell.persistent(case.hidden, case.hidden, case.batch)
    persistent = [name for name in names if "persist" in name.lower()]
    recurrent = [name for name in names if any(word in name.lower() for word in ("rnn", "lstm", "persist"))]
    return {
        "precision": str(step.precision),
        "shapes legal": legal,
        "persistent": bool(persistent),
        "as expected": bool(persistent) == legal,
        "recurrent kernels": recurrent,
    }


def plain(case: Case, mixed: bool) -> Work:
    """The loop that a tutorial writes, with one multi-layer `nn.LSTM`."""
    torch.manual_seed(1)
    embedding = nn.Embedding(case.vocabulary, case.hidden)
    lstm = nn.LSTM(case.hidden, case.hidden, case.layers, dropout=0.3 if case.layers > 1 else 0.0, batch_first=True)
    model = nn.ModuleList([embedding, lstm, nn.Linear(case.hidden, case.vocabulary)]).to(case.device)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    scaler = torch.amp.GradScaler(case.device.type, enabled=mixed and case.device.type == "cuda")
    precision = torch.float16 if case.device.type == "cuda" else torch.bfloat16
    tokens = torch.randint(case.vocabulary, (200, case.batch, case.window + 1), device=case.device)

    def run(steps: int) -> None:
        state = None
        for number in range(steps):
            block = tokens[number % len(tokens)]
            with torch.autocast(case.device.type, dtype=precision, enabled=mixed):
                x, state = model[1](model[0](block[:, :-1]), state)
                logits = model[2](x)
            loss = functional.cross_entropy(logits.float().flatten(0, 1), block[:, 1:].flatten())
            state = tuple(part.detach() for part in state)
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()

    return run


def bare(case: Case, precision: torch.dtype) -> Work:
    """One layer over a window, forward and backward, and nothing around it."""
    layer = nn.LSTM(case.hidden, case.hidden).to(case.device, precision)
    x = torch.randn(case.window, case.batch, case.hidden, device=case.device, dtype=precision, requires_grad=True)
    state = tuple(torch.zeros(1, case.batch, case.hidden, device=case.device, dtype=precision) for _ in range(2))
    gradient = torch.randn_like(x)

    def run(steps: int) -> None:
        for _ in range(steps):
            layer(x, state)[0].backward(gradient)

    return run


def speed(case: Case) -> dict[str, Any]:
    """Tokens a second of each contender, and shares of the floor and of the plain loop."""
    step = case.step(case.settings, capture=True)
    plain_settings = dataclasses.replace(case.settings, dropout=0.0, weight_drop=0.0, average="none")
    work = {
        "ours, captured": fed(case, step),
        "ours, without dropout": fed(case, case.step(plain_settings, capture=True)),
        "ours, not captured": fed(case, case.step(case.settings, capture=False)),
        "plain nn.LSTM, autocast": plain(case, True),
        "plain nn.LSTM, float32": plain(case, False),
        "one bare layer": bare(case, step.precision),
    }
    if case.device.type != "cuda":  # the very same there
        del work["ours, not captured"]
        work["ours"] = work.pop("ours, captured")
    seconds = in_turn(case, work)
    tokens, bare_layer = case.batch * case.window, seconds["one bare layer"]
    first = "ours, captured" if case.device.type == "cuda" else "ours"
    floor = case.layers * statistics.median(bare_layer)
    rates = {name: tokens / statistics.median(each) for name, each in seconds.items() if name != "one bare layer"}
    share = [case.layers * a / b for a, b in zip(bare_layer, seconds[first])]
    gain = {
        name: statistics.median(b / a for a, b in zip(seconds[first], seconds[name]))
        for name in ("plain nn.LSTM, autocast", "plain nn.LSTM, float32")
    }
    return {
        "precision": str(step.precision),
        "tokens_per_second": rates | {"serial floor": tokens / floor},
        "share_of_serial_floor": statistics.median(share),
        "times_plain": gain,
        "microseconds_a_bare_step": 1e6 * statistics.median(bare_layer) / case.window,
    }


def in_turn(case: Case, work: dict[str, Work]) -> dict[str, list[float]]:
    """Seconds a step of each contender in each round."""
    counts = {}
    for name, run in work.items():
        run(6)  # a capture comes after three plain steps
        case.wait()
        began = time.perf_counter()
        run(3)
        case.wait()
        counts[name] = max(2, int(3 * case.seconds / (time.perf_counter() - began)))
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(case.rounds):
        for name, run in work.items():
            began = time.perf_counter()
            run(counts[name])
            case.wait()
            seconds[name].append((time.perf_counter() - began) / counts[name])
    return seconds


def training(text: str | None, minutes: float, device: str) -> dict[str, Any]:
    """`seqgen train` and `seqgen evaluate` on a text; on made-up words where none is given."""
    more = ["--device", device]
    if text is not None:
        return train_and_evaluate(text, minutes, 1, more)
    with tempfile.TemporaryDirectory() as folder:
        words, rng = ["the", "cat", "sat", "on", "a", "mat", "dog", "log", "and"], np.random.default_rng(0)
        path = Path(folder) / "words.txt"
        path.write_text(" ".join(rng.choice(words, 8000)), "utf-8")
        return train_and_evaluate(str(path), minutes, 1, [*more, "-P", "hidden", "64"])
