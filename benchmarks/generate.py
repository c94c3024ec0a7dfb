"""How fast tokens are sampled on a CPU: engines, the whole product loop, an eager peer, and the memory's own limit.

    python benchmarks/generate.py [--hidden 512] [--layers 2] [--vocabulary 128] [--rounds 15] [--seconds 0.2] [--quick]

All contenders take turns in every round, so that a busy machine is busy for all; a line shows the median over rounds.
The limit is the bare matrix products of one step, with the very arrays of the numpy engine and nothing around them;
for many streams there is also the machine's rate in one large float32 product. The peer is what a tutorial writes:
`nn.LSTM`, a softmax, `torch.multinomial`, one token at a time. The product loop is `generate` with a temperature and
an end token, and once more with top-p. Weights are random: speed does not depend on them. Then come what `--max-copy`
and the grammars add (`_sampling_costs`), `seqgen generate` in a process of its own, which must not import torch, and
100 runs of one seed over engines, batches and threads, which must give one text (`_sameness`).
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import nn

from seqgen import rules
from seqgen.cells.lstm import LSTM
from seqgen.generation import Engine, load
from seqgen.generation.engines.numpy import NumpyEngine
from seqgen.generation.loop import Limits, generate
from seqgen.models import ModelSettings, weight_shapes

from _report import median_seconds, print_table, write_json  # isort: skip
from _sameness import BATCHES, compare  # isort: skip
from _sampling_costs import command_line, costs  # isort: skip

Steps = Callable[[int], object]  # runs so many steps
REST = 0.25  # seconds before each turn: the threads of torch go on spinning for a while after their work
LONG = 20_000  # tokens of a sample from the command line: enough that starting a process does not blur them
WARM = [rules.parse("temperature", 0.8)]
RULES = [*WARM, rules.parse("top_p", 0.9)]


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


def product(engine: Engine[Any], batch: int, chain: Sequence[rules.Rule] = WARM) -> Steps:
    """What `seqgen generate` runs."""
    prompts = [np.array([1])] * batch
    limits = Limits(end_id=engine.vocab_size - 1)

    def run(steps: int) -> None:
        for _ in islice(generate(engine, prompts, chain, seed=1, limits=limits), steps):
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
        "numpy engine, whole loop, top-p": product(fast, batch, RULES),
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


def table(batch: int, settings: ModelSettings, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Measure and print one number of streams."""
    contending = contenders(settings, options.vocabulary, batch)
    found = rates(measure(contending, options.rounds, options.seconds), batch)
    title = f"lstm {options.layers}×{options.hidden}, {batch} at once"
    print_table(
        [title, "tokens/s", "best", "of the limit", "× eager"], [[name, *row.values()] for name, row in found.items()]
    )
    print()
    return found


def peak(rounds: int) -> float:
    """Floating-point operations a second of a large float32 product: what many streams at once can at best have."""
    size = 2048
    a = np.ones((size, size), np.float32)
    return float(2 * size**3 / median_seconds(lambda: np.dot(a, a), rounds))


def two_columns(title: str, found: dict[str, Any]) -> None:
    """Print values by name."""
    print_table([title, "value"], [[name, value] for name, value in found.items()])
    print()


def bounds(engine: NumpyEngine, results: dict[str, Any], rounds: int) -> dict[str, float]:
    """What a token costs at least, and what part of it the product loop reaches."""
    matrices = sum(matrix.nbytes for matrix in engine.matrices)
    one, many = (results[name]["numpy engine, whole loop"]["tokens_per_second"] for name in ("1 stream", "64 streams"))
    flops, most = matrices / 2, peak(rounds)  # two operations for each weight of 4 bytes
    return {
        "bytes of weights a token": matrices,
        "GB/s that one stream reads": one * matrices / 1e9,
        "GFLOP/s of one large product": most / 1e9,
        "tokens/s that this would be for 64 streams": most / flops,
        "share that 64 streams reach": many * flops / most,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--vocabulary", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.2)
    parser.add_argument("--tokens", type=int, default=2_000, help="of each run for costs; half of it for sameness")
    parser.add_argument("--repeats", type=int, default=5, help="of each of the 20 runs that compare texts")
    parser.add_argument("--quick", action="store_true", help="everything once, with a small model: no numbers to quote")
    options = parser.parse_args()
    if options.quick:
        small = {"hidden": 64, "layers": 1, "rounds": 2, "seconds": 0.02, "tokens": 200, "repeats": 1}
        options = argparse.Namespace(**{**vars(options), **small})
    settings = ModelSettings(hidden=options.hidden, layers=options.layers)
    results: dict[str, Any] = {}
    for batch in (1, 64):
        results[f"{batch} streams" if batch > 1 else "1 stream"] = table(batch, settings, options)
    engine = NumpyEngine(LSTM(), settings, random_weights(settings, options.vocabulary))
    results["limits"] = bounds(engine, results, options.rounds)
    two_columns("limits", results["limits"])
    results["costs, percent"] = costs(settings, random_weights, options.tokens, min(options.rounds, 7))
    two_columns("added time, percent", results["costs, percent"])
    results["command line"] = command_line(settings, random_weights, LONG, min(options.rounds, 7))
    two_columns("command line, torch not imported", results["command line"])
    shape = {"hidden": options.hidden, "layers": options.layers, "tokens": options.tokens // 2}
    if not options.quick:  # before the longest part, and again after it
        write_json("generate", results, vars(options))
    results["sameness"] = compare(options.repeats, (1, 64) if options.quick else BATCHES, **shape)
    two_columns("one seed, engines × batches × threads", results["sameness"])
    if not options.quick:
        write_json("generate", results, vars(options))


if __name__ == "__main__":
    main()
