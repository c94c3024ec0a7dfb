"""Which setting is worth what: one run for each, all else equal, on one corpus for the same number of passes.

    python benchmarks/ablation.py CORPUS [--epochs 10] [--hidden 256] [--layers 2] [--seed 1] [--only NAME ...]

Every line trains from scratch with one setting changed against the first line, and prints nats per token on the
held-out part (protocol B) and the difference. Passes, not minutes, so that the result does not depend on the machine.
"""

import argparse
from typing import Any

from _report import print_table, write_json
from _training import open_corpus, train

from seqgen.training.progress import Budget

BASE: dict[str, Any] = {
    "batch": 16,
    "window": 64,
    "learning_rate": 5e-3,
    "validations": 10,
    "patience": 0,
    "dropout": 0.3,
}
LINES: dict[str, dict[str, Any]] = {
    "base": {},
    "no dropout": {"dropout": 0.0},
    "dropout 0.5": {"dropout": 0.5},
    "no input dropout": {"dropout_input": 0.0},
    "no hidden dropout": {"dropout_hidden": 0.0},
    "no output dropout": {"dropout_output": 0.0},
    "embedding dropout 0.1": {"dropout_embedding": 0.1},
    "weight-drop 0.2": {"weight_drop": 0.2},
    "weight-drop 0.5": {"weight_drop": 0.5},
    "activation penalty 2": {"activation_reg": 2.0},
    "change penalty 1": {"temporal_activation_reg": 1.0},
    "EMA 0.999": {"average": "ema"},
    "tail average 0.1": {"average": "tail"},
    "schedule wsd": {"schedule": "wsd"},
    "schedule wsd, EMA": {"schedule": "wsd", "average": "ema"},
    "schedule constant, tail": {"schedule": "constant", "average": "tail"},
    "reset probability 0.01": {"reset_probability": 0.01},
    "clip 0.25": {"clip": 0.25},
    "clip 100": {"clip": 100.0},
    "weight decay 0.1": {"weight_decay": 0.1},
    "window 32": {"window": 32},
    "window 128": {"window": 128},
    "batch 32": {"batch": 32},
    "learning rate 3e-3": {"learning_rate": 3e-3},
    "learning rate 8e-3": {"learning_rate": 8e-3},
    "untied": {"tied": False},
    "embedding 64": {"embedding": 64},
    "forget bias 0": {"forget_bias": 0.0},
    "forget bias 2": {"forget_bias": 2.0},
}
SHAPE = ("tied", "embedding")


def main() -> None:
    """Run every line; print and store the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("--epochs", type=float, default=10)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=LINES, default=list(LINES))
    parser.add_argument("--name", default="ablation", help="of the file in results/")
    asked = parser.parse_args()
    stream = open_corpus(asked.corpus, "char")
    runs = {}
    for name in asked.only:
        change = LINES[name]
        shape = {"hidden": asked.hidden, "layers": asked.layers} | {k: v for k, v in change.items() if k in SHAPE}
        cell = {key: value for key, value in change.items() if key == "forget_bias"}
        training = BASE | {key: value for key, value in change.items() if key not in (*SHAPE, *cell)}
        runs[name] = train(stream, "lstm", shape, training, Budget(epochs=asked.epochs), asked.seed, cell=cell)
        print(f"{name}: {runs[name]['nats']}", flush=True)
    first = runs[asked.only[0]]["nats"]
    columns = ("setting", "nats", "change", "train nats", "seconds")
    rows = [[n, r["nats"], f"{r['nats'] - first:+.4f}", r["train_nats"], r["seconds"]] for n, r in runs.items()]
    print_table(columns, [[str(value) for value in row] for row in rows])
    shape = {"epochs": asked.epochs, "hidden": asked.hidden, "layers": asked.layers, "seed": asked.seed}
    print(write_json(asked.name, runs, shape | BASE))


if __name__ == "__main__":
    main()
