"""How fast tokens are sampled on a CPU: engines, the whole product loop, an eager peer, and the memory's own limit.

    python benchmarks/generate.py [--hidden 512] [--layers 2] [--vocabulary 128] [--rounds 15] [--seconds 0.2]

All contenders take turns in every round, so that a busy machine is busy for all; a line shows the median over rounds.
The limit is the bare matrix products of one step, with the very arrays of the numpy engine and nothing around them.
The peer is what a tutorial writes: `nn.LSTM`, a softmax, `torch.multinomial`, one token at a time. The product loop is
`generate` with temperature, top-p and an end token. Weights are random: speed does not depend on them. Cold start is
`seqgen generate CHECKPOINT -l 100` in a process of its own.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from seqgen import rules
from seqgen.checkpoint import Checkpoint
from seqgen.codecs.char import Char, CharOptions
from seqgen.generation import Engine, load
from seqgen.generation._numpy_engine import NumpyEngine
from seqgen.generation.loop import Limits, generate
from seqgen.models import ModelSettings, weight_shapes
from seqgen.models.lstm import LSTM
from seqgen.tokenizer import Tokenizer

from _report import median_seconds, print_table, write_json  # isort: skip

Steps = Callable[[int], object]  # runs so many steps
REST = 0.25  # seconds before each turn: the threads of torch go on spinning for a while after their work
RULES = [rules.parse("temperature", 0.8), rules.parse("top_p", 0.9)]


def random_weights(settings: ModelSettings, vocab_size: int) -> dict[str, Any]:
    """Weights of about a trained model's size."""
    rng = np.random.default_rng(0)
    shapes = weight_shapes(LSTM(), settings, vocab_size)
    weights = {name: (0.05 * rng.standard_normal(shape)).astype(np.float32) for name, shape in shapes.items()}
    weights["output.bias"][-1] = -100  # the end token: it never comes
    return weights


def bare(engine: NumpyEngine, batch: int) -> Steps:
    """The matrix products of a step and nothing else."""
    work = [
        (np.ones((batch, len(m)), np.float32), m, np.empty((batch, m.shape[1]), np.float32)) for m in engine.matrices
    ]

    def run(steps: int) -> None:
        for _ in range(steps):
            for rows, matrix, out in work:
                np.matmul(rows, matrix, out=out)

    return run


def stepped(engine: Engine[Any], batch: int) -> Steps:
    """An engine without rules or draws."""

    def run(steps: int) -> None:
        state, ids = engine.start(batch), np.arange(batch)
        for _ in range(steps):
            _, state = engine.step(ids, state)

    return run


def product(engine: Engine[Any], batch: int) -> Steps:
    """What `seqgen generate` runs."""
    prompts = [np.array([1])] * batch
    limits = Limits(end_id=engine.vocab_size - 1)

    def run(steps: int) -> None:
        for _ in islice(generate(engine, prompts, RULES, seed=1, limits=limits), steps):
            pass

    return run


def eager(settings: ModelSettings, vocab_size: int, batch: int) -> Steps:
    """The loop that a tutorial writes."""
    embedding, output = nn.Embedding(vocab_size, settings.hidden), nn.Linear(settings.hidden, vocab_size)
    lstm = nn.LSTM(settings.hidden, settings.hidden, settings.layers, batch_first=True)

    @torch.no_grad()
    def run(steps: int) -> None:
        ids, state = torch.ones(batch, 1, dtype=torch.long), None
        for _ in range(steps):
            x, state = lstm(embedding(ids), state)
            ids = torch.multinomial(torch.softmax(output(x[:, -1]) / 0.8, dim=-1), 1)

    return run


def contenders(settings: ModelSettings, vocab_size: int, batch: int) -> dict[str, Steps]:
    """What takes turns."""
    weights = random_weights(settings, vocab_size)
    fast, reference = NumpyEngine(LSTM(), settings, weights), load("torch", LSTM(), settings, weights)
    return {
        "limit: bare products": bare(fast, batch),
        "numpy engine, steps alone": stepped(fast, batch),
        "numpy engine, whole loop": product(fast, batch),
        "torch engine, whole loop": product(reference, batch),
        "eager nn.LSTM loop": eager(settings, vocab_size, batch),
    }


def measure(work: dict[str, Steps], rounds: int, seconds: float) -> dict[str, list[float]]:
    """Seconds a step of each contender in each round."""
    counts = {}
    for name, run in work.items():
        run(3)
        begin = time.perf_counter()
        run(10)
        counts[name] = max(5, int(10 * seconds / (time.perf_counter() - begin)))
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, run in work.items():
            time.sleep(REST)
            begin = time.perf_counter()
            run(counts[name])
            times[name].append((time.perf_counter() - begin) / counts[name])
    return times


def rates(times: dict[str, list[float]], batch: int) -> dict[str, dict[str, float]]:
    """Tokens a second, and shares of the limit and of the eager loop taken round by round."""
    limit, peer = times["limit: bare products"], times["eager nn.LSTM loop"]
    return {
        name: {
            "tokens_per_second": batch / statistics.median(each),
            "best_tokens_per_second": batch / min(each),
            "share_of_limit": statistics.median(a / b for a, b in zip(limit, each)),
            "times_eager": statistics.median(a / b for a, b in zip(peer, each)),
        }
        for name, each in times.items()
    }


def cold_start(settings: ModelSettings, repeats: int) -> dict[str, float]:
    """Wall seconds of `seqgen generate -l 100` on a character model, and of importing numpy alone."""
    tokenizer = Tokenizer(Char.fit([b""], CharOptions()), "char")
    weights = random_weights(settings, tokenizer.vocab_size)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        Checkpoint("lstm", LSTM(), settings, tokenizer, weights).save(path)
        command = [sys.executable, "-m", "seqgen", "generate", str(path), "-l", "100", "--seed", "1"]
        commands = {"seqgen generate -l 100": command, "import numpy": [sys.executable, "-c", "import numpy"]}
        return {
            name: median_seconds(lambda each=each: subprocess.run(each, check=True, capture_output=True), repeats)
            for name, each in commands.items()
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--vocabulary", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.2)
    options = parser.parse_args()
    settings = ModelSettings(hidden=options.hidden, layers=options.layers)
    results: dict[str, Any] = {}
    for batch in (1, 64):
        times = measure(contenders(settings, options.vocabulary, batch), options.rounds, options.seconds)
        found = results[f"{batch} streams" if batch > 1 else "1 stream"] = rates(times, batch)
        rows = [[name, *each.values()] for name, each in found.items()]
        header = [
            f"lstm {options.layers}×{options.hidden}, {batch} at once",
            "tokens/s",
            "best",
            "of the limit",
            "× eager",
        ]
        print_table(header, rows)
        print()
    results["cold start, seconds"] = cold_start(settings, 7)
    print_table(["cold start", "seconds"], [[name, value] for name, value in results["cold start, seconds"].items()])
    matrices = NumpyEngine(LSTM(), settings, random_weights(settings, options.vocabulary)).matrices
    results["bytes of weights a token"] = sum(matrix.nbytes for matrix in matrices)
    write_json("generate", results, vars(options))


if __name__ == "__main__":
    main()
