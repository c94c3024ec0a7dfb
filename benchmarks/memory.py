"""What does a memory beside the cell give, at equal steps, and what does a step with it cost?

    python benchmarks/memory.py CORPUS … [--steps 1000] [--seeds 1 2 3] [--kinds none attention:256] [--codec NAME]

CORPUS is a path or a corpus by name. Each kind, a memory and how far it reaches, is trained on each corpus with the
same settings for the same steps, and measured on the held-out part (nats per token, protocol B). What a step costs is
measured in turns: one step of each kind after another, `--rounds` times, in seconds of processor time, the medians
compared; likewise a token more of one sampled stream by the numpy engine. `--only-costs` trains nothing.
"""

import argparse
import statistics
import time
from typing import Any

import numpy as np
import torch
from _report import print_table, write_json
from _training import open_corpus, train

from seqgen import generation
from seqgen.checkpoint import make_model
from seqgen.models import weight_shapes
from seqgen.models.network import RecurrentLM
from seqgen.settings import parse
from seqgen.training.progress import Budget
from seqgen.training.settings import TrainSettings
from seqgen.training.step import Step

SHAPE = {"hidden": 320, "embedding": 128}  # the defaults of a run of 89 seconds
TRAINING = {"batch": 16, "window": 64, "learning_rate": 7e-3, "validations": 2, "patience": 0}
DRAWN = {"hidden": 512, "layers": 2}  # in which a token more is measured
VOCABULARY = 300
TOKENS = 600  # before which a ring of 512 is full


def main() -> None:
    """Train every kind on every corpus, measure the costs; print and store the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", nargs="*")
    parser.add_argument("--kinds", nargs="+", default=["none", "attention:128", "attention:256", "attention:512"])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--codec")
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only-costs", action="store_true")
    parser.add_argument("--name", default="memory", help="of the file in results/")
    asked = parser.parse_args()
    results: dict[str, Any] = {"costs": costs(asked.kinds, asked.rounds)}
    for name in [] if asked.only_costs else asked.corpora:
        results[name] = table(name, asked)
    about = {key: getattr(asked, key) for key in ("steps", "seeds", "codec", "dropout", "rounds")}
    print(write_json(asked.name, results, about | SHAPE | TRAINING))


def shape_of(kind: str, shape: dict[str, Any]) -> dict[str, Any]:
    """The model's settings with a memory such as `attention:256` or none."""
    name, _, length = kind.partition(":")
    return shape if name == "none" else shape | {"memory": name} | ({"memory_length": int(length)} if length else {})


def table(corpus: str, asked: argparse.Namespace) -> list[dict[str, Any]]:
    """Every kind and seed on one corpus."""
    stream, runs = open_corpus(corpus, asked.codec), []
    for seed in asked.seeds:
        for kind in asked.kinds:
            how = TRAINING | {"dropout": asked.dropout}
            began = time.process_time()
            found = train(stream, "lstm", shape_of(kind, SHAPE), how, Budget(steps=asked.steps), seed)
            runs.append({"kind": kind, "seed": seed, "cpu": round(time.process_time() - began, 1)} | found)
            print(f"{corpus} {kind} seed {seed}: {found['nats']}", flush=True)
    rows = []
    for kind in asked.kinds:
        nats = [run["nats"] for run in runs if run["kind"] == kind]
        rows.append([kind, f"{statistics.median(nats):.4f}", *(f"{each:.4f}" for each in nats)])
    print_table([corpus, "median", *(f"seed {seed}" for seed in asked.seeds)], rows)
    return runs


def costs(kinds: list[str], rounds: int) -> dict[str, dict[str, float]]:
    """Of each kind milliseconds of processor time: a training step, and a token more of one stream."""
    torch.set_num_threads(1)
    steps = {kind: _training(kind) for kind in kinds}
    tokens = {kind: _sampling(kind) for kind in kinds}
    found = {kind: {"step": each, "token": tokens_ms} for (kind, each), tokens_ms in
             zip(_turns(steps, rounds).items(), _turns(tokens, rounds).values())}  # fmt: skip
    first = found[kinds[0]]
    rows = [[kind, f"{each['step']:.1f}", f"{100 * (each['step'] / first['step'] - 1):+.0f} %", f"{each['token']:.3f}",
             f"{100 * (each['token'] / first['token'] - 1):+.0f} %"] for kind, each in found.items()]  # fmt: skip
    print_table(["kind", "ms a step", "", "ms a token", ""], rows)
    return found


def _turns(works: dict[str, Any], rounds: int) -> dict[str, float]:
    """The median milliseconds of processor time of each work, called in turns."""
    spent: dict[str, list[float]] = {kind: [] for kind in works}
    for _ in range(rounds):
        for kind, work in works.items():
            began = time.process_time()
            count = work()
            spent[kind].append(1e3 * (time.process_time() - began) / count)
    return {kind: statistics.median(times) for kind, times in spent.items()}


def _training(kind: str) -> Any:
    """One training step after another."""
    cell, settings = make_model("lstm", {}, shape_of(kind, SHAPE))
    step = Step(RecurrentLM(cell, settings, VOCABULARY).train(), parse(TrainSettings, TRAINING))
    ids = torch.randint(VOCABULARY, (step.settings.batch, step.settings.window))

    def work() -> int:
        float(step(ids, ids, None, ids.numel(), 1e-6))
        return 1

    for _ in range(10):
        work()
    return work


def _sampling(kind: str) -> Any:
    """Tokens of one stream, a hundred at a time."""
    cell, settings = make_model("lstm", {}, shape_of(kind, DRAWN))
    rng = np.random.default_rng(1)
    weights = {name: rng.normal(0, 0.05, shape).astype(np.float32) for name, shape in
               weight_shapes(cell, settings, VOCABULARY).items()}  # fmt: skip
    engine = generation.load("numpy", cell, settings, weights)
    ids = rng.integers(0, VOCABULARY, (TOKENS, 1))
    held = [engine.prefill(ids[:, 0], engine.start(1))[1]]

    def work() -> int:
        for each in ids[:100]:
            _, held[0] = engine.step(each, held[0])
        return 100

    return work


if __name__ == "__main__":
    main()
