"""Claim: training on a CPU runs at this share of the machine's own matrix-product rate.

    python benchmarks/train_speed.py [--shapes 1x320 2x512 2x768] [--batch 32] [--window 64] [--threads N] [--model gru]

In one run, per shape: tokens a second of seqgen's training step, of a plain multi-layer `nn.LSTM` (`nn.GRU`, `nn.RNN`)
loop in float32 and of the same under bfloat16 autocast, and what share of the machine's bfloat16 (or float32) product
rate seqgen's step is. The rate is that of one large product, measured between the others. The work counted is that of
a plain network (forward, and twice that backward); the embedding look-up and all that is not a product counts as
nothing.
"""

import argparse
import math
import os
import time
from collections.abc import Callable
from statistics import median

os.environ.setdefault("GOMP_SPINCOUNT", "3000")  # as `seqgen` sets it

import torch
from _report import print_table, write_json
from torch import nn
from torch.nn import functional

from seqgen import registry
from seqgen.models import ModelSettings
from seqgen.models.network import RecurrentLM
from seqgen.training.settings import TrainSettings
from seqgen.training.step import Step

VOCAB = 257
ROUNDS = 7
LARGE = 2048


def main() -> None:
    """Measure every shape; print and store the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", nargs="+", default=["1x320", "1x512", "2x512", "2x768"])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--window", type=int, default=64)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--model", default="lstm", choices=registry.names("cells"))
    parser.add_argument("--name", default="train_speed", help="of the file in results/")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    rows = [measure(asked.model, shape, asked.batch, asked.window) for shape in asked.shapes]
    columns = ("shape", "float32", "autocast", "seqgen", "GFLOP/s", "machine", "share", "over float32")
    print_table(columns, [list(row.values()) for row in rows])
    settings = {"batch": asked.batch, "window": asked.window, "threads": asked.threads, "vocabulary": VOCAB}
    print(write_json(asked.name, rows, {"model": asked.model} | settings))


def measure(model: str, shape: str, batch: int, window: int) -> dict[str, object]:
    """One shape: the three loops and the machine's rate, interleaved."""
    layers, hidden = (int(part) for part in shape.split("x"))
    ids = torch.randint(VOCAB, (batch, window))
    work = {
        "float32": plain(model, layers, hidden, ids, False),
        "autocast": plain(model, layers, hidden, ids, True),
        "seqgen": ours(model, layers, hidden, ids),
        "machine": product(),
    }
    times: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(ROUNDS + 2):
        for name, step in work.items():
            began = time.perf_counter()
            step()
            if turn >= 2:
                times[name].append(time.perf_counter() - began)
    seconds = {name: median(found) for name, found in times.items()}
    tokens = batch * window
    weights = registry.load("cells", model)().weights(hidden, hidden).values()
    flops = 6 * tokens * (layers * sum(math.prod(each) for each in weights if len(each) > 1) + hidden * VOCAB)
    rate, machine = flops / seconds["seqgen"] / 1e9, 2 * LARGE**3 / seconds["machine"] / 1e9
    return {
        "shape": shape,
        "float32": round(tokens / seconds["float32"]),
        "autocast": round(tokens / seconds["autocast"]),
        "seqgen": round(tokens / seconds["seqgen"]),
        "gflops": round(rate),
        "machine": round(machine),
        "share": f"{rate / machine:.0%}",
        "over_float32": f"{seconds['float32'] / seconds['seqgen']:.2f}",
    }


def ours(model: str, layers: int, hidden: int, ids: torch.Tensor) -> Callable[[], object]:
    """seqgen's own training step."""
    network = RecurrentLM(registry.load("cells", model)(), ModelSettings(hidden=hidden, layers=layers), VOCAB).train()
    step = Step(network, TrainSettings(batch=len(ids), window=ids.shape[1]))
    return lambda: step(ids, ids, None, ids.numel(), 1e-3)


def plain(model: str, layers: int, hidden: int, ids: torch.Tensor, autocast: bool) -> Callable[[], object]:
    """What a person writes with `nn.LSTM` or another: embedding, layers, output, cross-entropy, clipping, AdamW."""
    recurrent = getattr(nn, model.upper())(hidden, hidden, layers)
    embedding, output = nn.Embedding(VOCAB, hidden), nn.Linear(hidden, VOCAB)
    output.weight = embedding.weight
    weights = [*embedding.parameters(), *recurrent.parameters(), output.bias]
    optimizer = torch.optim.AdamW(weights, fused=True)

    def step() -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            logits = output(recurrent(embedding(ids.t()))[0])
        loss = functional.cross_entropy(logits.float().flatten(0, 1), ids.t().flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()

    return step


def product() -> Callable[[], object]:
    """One large matrix product in bfloat16."""
    square = torch.randn(LARGE, LARGE).bfloat16()
    return lambda: square @ square


if __name__ == "__main__":
    main()
