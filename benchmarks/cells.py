"""The table of Karpathy, Johnson & Fei-Fei (2015, table 1): which cell, how many layers, how wide?

    python benchmarks/cells.py TEXT [C] [--seconds 30] [--cells lstm mingru] [--sizes 64 128 256 512] [--layers 1 2 3]

Trains every cell in every shape on one text and one C corpus (paths or names of corpora), each for the same wall time
with the same settings, and prints the cross-entropy on the held-out part (nats per character, protocol B), beside the
n-gram baseline. Under one time budget a wider model sees fewer tokens: that is the question which a person with two
cores has. `--epochs` gives every shape the same tokens instead, as the paper does. On a machine that does other things
besides, `--cpu` gives every shape the same seconds of processor time: its rate is measured first, and it is trained for
as many steps as fit.
"""

import argparse
import time
from typing import Any

import torch
from _report import print_table, write_json
from _training import ngram, open_corpus, train

from seqgen import registry
from seqgen.checkpoint import make_model
from seqgen.models.network import RecurrentLM
from seqgen.settings import parse
from seqgen.stream import TokenStream
from seqgen.training.progress import Budget
from seqgen.training.settings import TrainSettings
from seqgen.training.step import Step

RATE = 1.2e-2  # the highest learning rate at 128 units, the best of three for rnn, gru, lstm; see benchmarks/README.md
MEASURED = 1.0  # seconds of processor time in which a rate is measured
TRAINING = {"batch": 16, "window": 64, "validations": 2, "patience": 0, "average": "ema", "average_decay": 0.99}


def main() -> None:
    """Train every shape on both corpora; print and store the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text")
    parser.add_argument("c", nargs="?")
    parser.add_argument("--cells", nargs="+", default=list(registry.names("cells")), choices=registry.names("cells"))
    parser.add_argument("--rate", type=float, default=RATE, help="the highest learning rate at 128 units")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--epochs", type=float, help="instead of --seconds")
    parser.add_argument("--cpu", action="store_true", help="seconds of processor time")
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128, 256, 512])
    parser.add_argument("--layers", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--name", default="cells", help="of the file in results/")
    asked = parser.parse_args()
    corpora = {"text": open_corpus(asked.text, "char")} | ({"c": open_corpus(asked.c)} if asked.c else {})
    results = {name: table(name, stream, asked) for name, stream in corpora.items()}
    shown = {key: getattr(asked, key) for key in ("seconds", "cpu", "epochs", "seed")} | {"learning_rate": asked.rate}
    print(write_json(asked.name, results, shown | TRAINING))


def table(name: str, stream: TokenStream, asked: argparse.Namespace) -> dict[str, Any]:
    """All shapes on one corpus."""
    nats, order = ngram(stream, asked.seed)
    runs: list[dict[str, Any]] = []
    for cell in asked.cells:
        for layers in asked.layers:
            for size in asked.sizes:
                shape = {"hidden": size, "layers": layers}
                rate = asked.rate * (128 / size) ** 0.3
                budget = Budget(epochs=asked.epochs) if asked.epochs else Budget(minutes=asked.seconds / 60)
                if asked.cpu:
                    budget = Budget(steps=steps_in(asked.seconds, cell, shape, stream.vocab_size))
                found = train(stream, cell, shape, TRAINING | {"learning_rate": rate}, budget, asked.seed)
                runs.append({"cell": cell} | shape | found)
                print(f"{name} {cell} {layers}×{size}: {found['nats']} ({found['tokens']:,} tokens)", flush=True)
    print(f"\n{name}: nats per character; {order}-gram baseline {nats:.3f}")
    columns = [(cell, layers) for cell in asked.cells for layers in asked.layers]
    rows = [[size, *(_nats(runs, cell, layers, size) for cell, layers in columns)] for size in asked.sizes]
    print_table(["units", *(f"{cell} {layers}" for cell, layers in columns)], rows)
    return {"ngram": round(nats, 4), "ngram_order": order, "runs": runs}


def steps_in(seconds: float, cell: str, shape: dict[str, int], vocab_size: int) -> int:
    """How many training steps take so many seconds of processor time."""
    made, settings = make_model(cell, {}, shape)
    step = Step(RecurrentLM(made, settings, vocab_size).train(), parse(TrainSettings, TRAINING))
    ids = torch.randint(vocab_size, (step.settings.batch, step.settings.window))
    float(step(ids, ids, None, ids.numel(), 1e-6))
    count, began = 0, time.process_time()
    while count < 5 or time.process_time() - began < MEASURED:
        float(step(ids, ids, None, ids.numel(), 1e-6))
        count += 1
    return max(1, int(seconds * count / (time.process_time() - began)))


def _nats(runs: list[dict[str, Any]], cell: str, layers: int, size: int) -> str:
    wanted = {"cell": cell, "layers": layers, "hidden": size}
    return next(f"{run['nats']:.3f}" for run in runs if wanted.items() <= run.items())


if __name__ == "__main__":
    main()
