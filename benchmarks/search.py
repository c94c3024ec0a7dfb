"""The search for loss at equal cost: what each idea gives beside the default, and what a token of it costs.

    python benchmarks/search.py CORPUS [--only NAME ...] [--passes 0.5] [--seeds 1] [--characters N] [--cost]

Every line trains from scratch for so many passes, so that a loss does not depend on the machine, and is measured on the
whole validation part: nats per token under protocol B, and the same at the temperature fitted there. `--cost` trains
nothing: it takes the steps of the lines in turns, in short bursts of processor time, and prints the ratio of medians,
a token against the first line's: an idea that costs 1.2 is to be compared with 1/1.2 of the passes. `--characters`
trains on the beginning alone. All goes into results/search.json, beside what is there.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from _report import RESULTS, print_table, write_json
from _search_ideas import IDEAS, Idea
from _search_schedule_free import ScheduleFree
from _search_step import SearchStep, cut
from _training import open_corpus

from seqgen import settings
from seqgen.checkpoint import make_model
from seqgen.evaluation.temperature import held_out_temperature
from seqgen.jobs.observer import SILENT
from seqgen.stream import TokenStream
from seqgen.tokenizer import Tokenizer
from seqgen.training import muon
from seqgen.training.corpus import TrainingCorpus
from seqgen.training.data import Spans
from seqgen.training.plan import TrainPlan
from seqgen.training.progress import Budget, Logged
from seqgen.training.run import Run
from seqgen.training.settings import TrainSettings
from seqgen.training.step import Step

TRAINING = {"batch": 16, "window": 64, "learning_rate": 7e-3, "validations": 1, "patience": 0}
SHAPE = {"hidden": 320, "embedding": 128}
ROUNDS, BURST = 8, 2  # of `--cost`: turns, and steps in each
LAST = 8  # log lines whose mean is the training loss
NAME = "search"


def main() -> None:
    """Train or time the lines; print and store them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("--only", nargs="+", choices=IDEAS, default=list(IDEAS))
    parser.add_argument("--passes", type=float, default=0.5)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--characters", type=int, help="of the training part, from its beginning; all")
    parser.add_argument("--cost", action="store_true")
    asked = parser.parse_args()
    stream = open_corpus(asked.corpus, "char")
    if asked.cost:
        found = costs(stream, asked.only)
        print_table(("line", "cost of a token"), [[name, cost] for name, cost in found.items()])
        store([], found)
        return
    columns = ("name", "seed", "passes", "steps", "B", "fitted", "temperature", "train", "seconds")
    lines = []
    for name in asked.only:
        for seed in asked.seeds:
            lines.append(measured(stream, name, seed, asked.passes, asked.characters))
            print(lines[-1], flush=True)
            print_table(columns, [[str(line[key]) for key in columns] for line in lines])
            store(lines, {})


def prepared(stream: TokenStream, idea: Idea, seed: int, passes: float) -> Run:
    """A run that is ready; nothing is written of it."""
    name = idea.cell if isinstance(idea.cell, str) else "lstm"
    cell, sized = make_model(name, {}, SHAPE | idea.shape)
    cell = cell if isinstance(idea.cell, str) else idea.cell
    how = settings.parse(TrainSettings, TRAINING | idea.training)
    plan = TrainPlan(name, cell, sized, how, Budget(epochs=passes), seed, torch.device("cpu"))
    run = Run(Path(), TrainingCorpus(stream, Tokenizer.from_spec(stream.codec_spec)), plan, SILENT)
    run.trainer.validate = lambda network: 0.0
    if idea.network is not None:
        idea.network(run.network)
    if idea.network is not None or idea.loss is not None or idea.sizes:
        run.trainer.step = SearchStep(run.network, how, idea.loss, idea.sizes, run.trainer.used)
    if idea.optimizer is not None:
        made = idea.optimizer(run.network, run.trainer.step.optimizer)
        run.trainer.step.optimizer = cast(torch.optim.AdamW, made)
    return run


def measured(stream: TokenStream, name: str, seed: int, passes: float, characters: int | None) -> dict[str, Any]:
    """Train one line and measure it."""
    idea = IDEAS[name]
    run = prepared(stream, idea, seed, passes)
    trainer, spans, losses = run.trainer, run.train_spans, list[float]()
    if characters is not None:
        spans = Spans(spans.begin[:1], spans.begin[:1] + characters)
    trainer.spans = cut(spans, idea.shuffled) if idea.shuffled else spans
    trainer.start_epoch()
    muon.SIZE, began = idea.size, time.process_time()
    for event in trainer.run():
        if isinstance(event, Logged) and event.line["nats"] is not None:
            losses.append(event.line["nats"])
    if isinstance(trainer.step.optimizer, ScheduleFree):
        trainer.step.optimizer.finish()
    seconds = time.process_time() - began
    found = held_out_temperature(run.network.eval(), run.validation.ids, run.validation.starts)
    return {
        "name": name,
        "seed": seed,
        "passes": passes,
        "characters": characters,
        "steps": trainer.progress.total_steps,
        "B": round(found.before, 4),
        "fitted": round(found.after, 4),
        "temperature": round(found.value, 3),
        "train": round(statistics.mean(losses[-LAST:]), 4) if losses else None,
        "rollbacks": trainer.progress.rollbacks,
        "seconds": round(seconds),
    }


def costs(stream: TokenStream, names: list[str]) -> dict[str, float]:
    """Processor time of a token, as a share of the first line's, by steps in turns."""
    turns = list[tuple[str, Callable[[], float], int]]()
    for name in names:
        trainer, idea = prepared(stream, IDEAS[name], 1, 1.0).trainer, IDEAS[name]
        trainer.network.train()
        x = torch.zeros(trainer.settings.batch, trainer.settings.window, dtype=torch.int64)
        for phase in range(max(1, len(idea.sizes))):
            turns.append((name, partial(_work, trainer.step, x, (phase + 0.5) / max(1, len(idea.sizes))), x.numel()))
    times: dict[tuple[str, int], list[float]] = {}
    for _ in range(ROUNDS):
        for place, (name, step, size) in enumerate(turns):
            step()  # what the others left in the caches is gone
            began = time.process_time()
            for _ in range(BURST):
                step()
            times.setdefault((name, place), []).append((time.process_time() - began) / size)
    middle = {key: statistics.median(each) for key, each in times.items()}
    found = {name: statistics.mean(middle[key] for key in middle if key[0] == name) for name in names}
    return {name: round(found[name] / found[names[0]], 3) for name in names}


def _work(step: Step, x: torch.Tensor, share: float) -> float:
    """One step at a share of the run, waited for."""
    if isinstance(step, SearchStep):
        step.share = lambda: share
    return float(step(x, x, None, x.numel(), 1e-4))


def store(lines: list[dict[str, Any]], ratios: dict[str, float]) -> None:
    """Put these in place of older ones of the same name, seed and length."""
    path = RESULTS / f"{NAME}.json"
    kept = json.loads(path.read_text("utf-8"))["results"] if path.exists() else {"lines": [], "costs": {}}
    keys = ("name", "seed", "passes", "characters")
    found = {tuple(line[key] for key in keys): line for line in [*kept["lines"], *lines]}
    results = {"lines": list(found.values()), "costs": kept["costs"] | ratios}
    write_json(NAME, results, {"training": TRAINING, "shape": SHAPE})


if __name__ == "__main__":
    main()
