"""What look-back and counts cost a token of one sampled stream, beside the same network without either.

    python benchmarks/token_cost.py tiny-shakespeare=tiny-shakespeare [--tokens 800] [--rounds 7] [--no-json]

NAME=SOURCE is a checkpoint with a memory and counts, and the corpus that it was trained on. Four kinds of it take
turns: as it is, without its counts, without its memory, and without both, in microseconds of processor time a token on
one thread. `step`: the engine alone reads the end of the corpus, token by token, after it has read `--before` tokens.
`loop`: `seqgen.generation.loop` draws at temperature 0.8. Medians of the rounds, and of the ratios within a round.
"""

import argparse
import dataclasses
import gc
import statistics
import time
from collections.abc import Callable
from itertools import islice

import numpy as np

from seqgen import rules
from seqgen.checkpoint import Checkpoint, find
from seqgen.generation import load
from seqgen.generation.blas import one_numpy_thread
from seqgen.generation.engine import Engine
from seqgen.generation.engines.experts import ExpertsEngine
from seqgen.generation.loop import generate
from seqgen.memories import PREFIX
from seqgen.tokenization.cache import cached_stream
from seqgen.tokenization.settings import TokenizeSettings
from seqgen.tokenization.sources import resolve
from seqgen.training.counting import as_trained
from seqgen.training.validation import own_tokens

from _report import print_table, write_json  # isort: skip

KINDS = {"neither": (False, False), "memory": (True, False), "counts": (False, True), "both": (True, True)}
Ids = np.ndarray[tuple[int], np.dtype[np.int64]]


def engine(checkpoint: Checkpoint, memory: bool, counts: bool) -> Engine:  # type: ignore[type-arg]
    """The numpy engine of a checkpoint with so much of it."""
    weights, settings = checkpoint.weights, checkpoint.settings
    if not memory:
        weights = {name: weight for name, weight in weights.items() if not name.startswith(PREFIX)}
        settings = dataclasses.replace(settings, memory=None)
    made = load("numpy", checkpoint.cell, settings, weights)
    return ExpertsEngine(made, checkpoint.experts) if counts and checkpoint.experts is not None else made


def stepping(made: Engine, ids: Ids, before: int, tokens: int) -> Callable[[], None]:  # type: ignore[type-arg]
    """Read on in the text."""
    state, at = [made.prefill(ids[:before], made.start(1))[1]], [before]

    def work() -> None:
        for place in range(at[0], at[0] + tokens):
            _, state[0] = made.step(ids[place : place + 1], state[0])
        at[0] += tokens

    return work


def drawing(made: Engine, ids: Ids, before: int, tokens: int) -> Callable[[], None]:  # type: ignore[type-arg]
    """Draw on from where the text stands."""
    steps = generate(made, [ids[:before]], [rules.parse("temperature", 0.8)], seed=1)

    def work() -> None:
        for _ in islice(steps, tokens):
            pass

    return work


def turns(works: dict[str, Callable[[], None]], rounds: int, tokens: int) -> dict[str, list[float]]:
    """Microseconds of each, in turns; the first of them is not counted."""
    spent: dict[str, list[float]] = {kind: [] for kind in works}
    for _ in range(rounds + 1):
        for kind, work in works.items():
            gc.collect()
            began = time.process_time()
            work()
            spent[kind].append((time.process_time() - began) / tokens * 1e6)
    return {kind: each[1:] for kind, each in spent.items()}


def measured(name: str, source: str, asked: argparse.Namespace) -> dict[str, dict[str, dict[str, float]]]:
    """Of `step` and `loop` each kind's microseconds, and what they are of the first one's."""
    checkpoint = Checkpoint.load(find(name))
    assert checkpoint.experts is not None, f"{name} has no counts"
    stream = cached_stream(resolve([source], print), TokenizeSettings(tokenizer=checkpoint.tokenizer))
    _, held = as_trained(stream, checkpoint)
    ids, _ = own_tokens(stream.ids, held, checkpoint.tokenizer.measured_size, held.tokens)
    ids = np.concatenate([[checkpoint.tokenizer.document_id], ids.astype(np.int64)])
    engines = {kind: engine(checkpoint, *each) for kind, each in KINDS.items()}
    found = {}
    for what, make in (("step", stepping), ("loop", drawing)):
        works = {kind: make(each, ids, asked.before, asked.tokens) for kind, each in engines.items()}
        spent = turns(works, asked.rounds, asked.tokens)
        found[what] = {
            kind: {
                "microseconds": round(statistics.median(each), 1),
                "more": round(statistics.median(b / a for a, b in zip(spent["neither"], each)) - 1, 3),
            }
            for kind, each in spent.items()
        }
    return found


def main() -> None:
    """Print a table a model, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="NAME=SOURCE")
    parser.add_argument("--tokens", type=int, default=800, help="of a turn")
    parser.add_argument("--before", type=int, default=1200, help="tokens that are read before")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--no-json", action="store_true", help="leave no result file")
    asked, results = parser.parse_args(), {}
    with one_numpy_thread():
        for each in asked.models:
            name, _, source = each.partition("=")
            found = results[name] = measured(name, source, asked)
            rows = [
                (
                    kind,
                    *(
                        text
                        for what in found.values()
                        for text in (what[kind]["microseconds"], f"{what[kind]['more']:+.0%}")
                    ),
                )
                for kind in KINDS
            ]
            print_table((name, "step, µs", "", "loop, µs", ""), rows)
    if not asked.no_json:
        print(write_json("token_cost", results, {key: getattr(asked, key) for key in ("tokens", "before", "rounds")}))


if __name__ == "__main__":
    main()
