"""What does a memory beside the cell give, at equal steps or equal processor time, and what does a step with it cost?

    python benchmarks/memory.py CORPUS … [--steps 1000] [--seeds 1 2 3] [--kinds none attention:256] [--samples 20]

CORPUS is a path or a corpus by name. Each kind, a memory and how far it reaches, is trained on each corpus with the
same settings for the same steps, and measured on the held-out part (nats per token, protocol B). With `--equal time`
the first kind makes so many steps, and each other one as many as take the same processor time: what a step costs in
this shape is measured before, in turns. What a step costs is
measured in turns: one step of each kind after another, `--rounds` times, in seconds of processor time, the medians
compared; likewise a token more of one sampled stream by the numpy engine, the least of the rounds compared: what else
runs on a machine only adds. Without a CORPUS nothing is trained. With `--samples` so many pieces of music are sampled
of each model, and their likeness from bar to bar by lag is set beside that of what was held out.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _report import print_table, write_json
from _training import open_corpus, train

from seqgen import generation
from seqgen.api.model import load
from seqgen.checkpoint import make_model
from seqgen.jobs.evaluate.music_samples import sampled, scores_of
from seqgen.models import weight_shapes
from seqgen.models.network import RecurrentLM
from seqgen.music.bar_similarity import LAGS, Bars
from seqgen.music.score import Score
from seqgen.settings import parse
from seqgen.stream import TokenStream
from seqgen.tokenizer import Tokenizer
from seqgen.training.progress import Budget
from seqgen.training.settings import TrainSettings
from seqgen.training.step import Step

SHAPE = {"hidden": 320, "embedding": 128}  # the defaults of a run of 89 seconds
TRAINING = {"batch": 16, "window": 64, "learning_rate": 7e-3, "validations": 1, "patience": 0, "validation": 0.05}
DRAWN = {"hidden": 512, "layers": 2}  # in which a token more is measured
VOCABULARY = 300
TOKENS = 600  # before which a ring of 512 is full
PIECES = 100  # of the corpus
TURNS = 20  # in which a step of each kind is measured


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
    parser.add_argument("--samples", type=int, default=0)
    parser.add_argument("--hidden", type=int, default=SHAPE["hidden"])
    parser.add_argument("--equal", choices=["steps", "time"], default="steps")
    parser.add_argument("--name", default="memory", help="of the file in results/")
    asked = parser.parse_args()
    results: dict[str, Any] = {"costs": costs(asked.kinds, asked.rounds)} if asked.rounds else {}
    for name in asked.corpora:
        results[name] = table(name, asked)
    about = {key: getattr(asked, key) for key in ("steps", "equal", "seeds", "codec", "dropout", "rounds", "samples")}
    print(write_json(asked.name, results, SHAPE | TRAINING | about | {"hidden": asked.hidden}))


def shape_of(kind: str, shape: dict[str, Any]) -> dict[str, Any]:
    """The model's settings with a memory such as `attention:256` or none."""
    name, _, length = kind.partition(":")
    return shape if name == "none" else shape | {"memory": name} | ({"memory_length": int(length)} if length else {})


def table(corpus: str, asked: argparse.Namespace) -> list[dict[str, Any]]:
    """Every kind and seed on one corpus."""
    stream, runs = open_corpus(corpus, asked.codec), []
    steps = _allowed(asked, Tokenizer.from_spec(stream.codec_spec).vocab_size)
    for seed in asked.seeds:
        for kind in asked.kinds:
            how, shape = TRAINING | {"dropout": asked.dropout}, shape_of(kind, SHAPE | {"hidden": asked.hidden})
            with tempfile.TemporaryDirectory() as folder:
                kept = Path(folder) / "model.safetensors"
                found = train(stream, "lstm", shape, how, Budget(steps=steps[kind]), seed, keep=kept)
                alike = likeness(kept, stream, asked.samples, seed) if asked.samples else {}
            runs.append({"kind": kind, "seed": seed} | found | alike)
            print(f"{corpus} {kind} seed {seed}: {found['nats']} {alike}", flush=True)
    rows = []
    for kind in asked.kinds:
        nats: list[float] = [run["nats"] for run in runs if run["kind"] == kind]
        rows.append([kind, f"{statistics.median(nats):.4f}", *(f"{each:.4f}" for each in nats)])
    print_table([corpus, "median", *(f"seed {seed}" for seed in asked.seeds)], rows)
    return runs


def _allowed(asked: argparse.Namespace, vocab_size: int) -> dict[str, int]:
    """The steps of each kind."""
    if asked.equal == "steps":
        return dict.fromkeys(asked.kinds, asked.steps)
    torch.set_num_threads(1)
    works = {kind: _training(kind, {"hidden": asked.hidden}, vocab_size) for kind in asked.kinds}
    spent = {kind: statistics.median(each) for kind, each in _turns(works, TURNS).items()}
    return {kind: round(asked.steps * spent[asked.kinds[0]] / each) for kind, each in spent.items()}


def likeness(checkpoint: Path, stream: TokenStream, count: int, seed: int) -> dict[str, Any]:
    """How like one another the bars of samples are, by lag, and those of pieces of the corpus; medians over pieces."""
    model = load(str(checkpoint))
    starts = np.linspace(0, len(stream.starts) - 2, PIECES).astype(int)
    pieces = [np.asarray(stream.ids[stream.starts[at] : stream.starts[at + 1]]) for at in np.unique(starts)]
    found = {"samples": sampled(model, count, seed, 0.8, at_once=count), "corpus": pieces}
    return {f"likeness_{name}": _by_lag(scores_of(model, ids)) for name, ids in found.items()}


def _by_lag(scores: Sequence[Score]) -> dict[str, float]:
    rows = [Bars.of(score).similarities()[1:] for score in scores if len(score)]
    columns = {lag: [each for each in values if each is not None] for lag, values in zip(LAGS, zip(*rows))}
    return {str(lag): round(statistics.mean(values), 3) for lag, values in columns.items() if values}


def costs(kinds: list[str], rounds: int) -> dict[str, dict[str, float]]:
    """Of each kind milliseconds of processor time: a training step, and a token more of one stream."""
    torch.set_num_threads(1)
    steps = {kind: _training(kind) for kind in kinds}
    tokens = {kind: _sampling(kind) for kind in kinds}
    spent = _turns(steps, rounds), _turns(tokens, rounds)
    found = {kind: {"step": statistics.median(spent[0][kind]), "token": min(spent[1][kind])} for kind in kinds}
    first = found[kinds[0]]
    rows = [[kind, f"{each['step']:.1f}", f"{100 * (each['step'] / first['step'] - 1):+.0f} %", f"{each['token']:.3f}",
             f"{100 * (each['token'] / first['token'] - 1):+.0f} %"] for kind, each in found.items()]  # fmt: skip
    print_table(["kind", "ms a step", "", "ms a token", ""], rows)
    return found


def _turns(works: dict[str, Any], rounds: int) -> dict[str, list[float]]:
    """The milliseconds of processor time of each work, called in turns."""
    spent: dict[str, list[float]] = {kind: [] for kind in works}
    for _ in range(rounds):
        for kind, work in works.items():
            began = time.process_time()
            count = work()
            spent[kind].append(1e3 * (time.process_time() - began) / count)
    return spent


def _training(kind: str, shape: dict[str, int] | None = None, vocab_size: int = VOCABULARY) -> Any:
    """One training step after another."""
    cell, settings = make_model("lstm", {}, shape_of(kind, SHAPE | (shape or {})))
    step = Step(RecurrentLM(cell, settings, vocab_size).train(), parse(TrainSettings, TRAINING))
    ids = torch.randint(vocab_size, (step.settings.batch, step.settings.window))

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
