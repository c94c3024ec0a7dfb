"""Lists: names and recipes as items, sorted or shuffled, new ones, and the speed of short documents side by side.

    python benchmarks/corpora.py items [SOURCE] [--names 32000] [--minutes 3] [--only names recipes speed]
        [--steps N] [--seeds 1 2 3] [--samples 1000]

SOURCE is a list with an item a line, of which the first are taken; the corpus `surnames` where it is not given. Names
are trained on twice for each seed, sorted and shuffled, with default settings; samples have default settings, too.
Recipes of several lines are made here, for each seed others. Speed is that of processor time on one thread, in turns
with one document of the same words.

As many names drawn from the list itself are at some distance from it already: that of first letters stands beside the
one of samples ("of names drawn from the list").
"""

import argparse
import random
import re
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import mean, median
from typing import Any

import torch
from _report import print_table, write_json

import seqgen
from seqgen.api.model import Model
from seqgen.checkpoint import make_model
from seqgen.files import write_bytes
from seqgen.jobs.observer import SILENT
from seqgen.jobs.sample.session import sample
from seqgen.jobs.sample.settings import SampleJob
from seqgen.tokenization.cache import cached_stream
from seqgen.tokenization.reading import Reader
from seqgen.tokenization.settings import TokenizeSettings
from seqgen.tokenization.sources import resolve
from seqgen.tokenizer import Tokenizer
from seqgen.training.corpus import TrainingCorpus
from seqgen.training.data import IGNORED
from seqgen.training.packing import PackedEpoch
from seqgen.training.plan import TrainPlan
from seqgen.training.progress import Budget
from seqgen.training.run import Run
from seqgen.training.settings import TrainSettings

FOODS = ("plum", "oats", "flour", "salt", "basil", "honey", "rice", "leek", "milk", "butter", "garlic", "sugar")
PARTS = ("names", "recipes", "speed")
PER_SEED = ("nats, sorted", "nats, shuffled", "first letters' total variation", "of names drawn from the list")
UNITS = ("cups", "g", "tbsp")
RECIPE = re.compile(
    r"Title: [A-Z][a-z]+ and [a-z]+ (?:stew|pie)\nServes: \d\n(?:- \d (?:cups|g|tbsp) [a-z]+\n){4}"
    r"Mix the [a-z]+ with the [a-z]+\. Bake \d\d minutes\."
)


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="?", default="surnames")
    parser.add_argument("--names", type=int, default=32_000)
    parser.add_argument("--samples", type=int, default=1_000)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--steps", type=int, help="of the runs on names, instead of --minutes")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--seed", type=int, default=1, help="of speed")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1], help="of the runs on names and recipes")
    asked = parser.parse_args()
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for part in asked.only:
            results[part] = {"names": names, "recipes": recipes, "speed": speed}[part](asked, Path(scratch))
    rows = [[part, key, f"{value:.4g}"] for part, found in results.items() for key, value in found.items()]
    print_table(["part", "measure", "value"], rows)
    shown = {key: getattr(asked, key) for key in ("source", "names", "samples", "minutes", "steps", "seed", "seeds")}
    print(write_json("corpora_items", results, shown))


def listed(asked: argparse.Namespace) -> list[str]:
    """The first items of the list."""
    text = b"".join(piece for source in resolve([asked.source], print) for piece in Reader(source)).decode()
    return list(dict.fromkeys(line for line in text.splitlines() if line.strip()))[: asked.names]


def names(asked: argparse.Namespace, scratch: Path) -> dict[str, float]:
    """Losses of the sorted and the shuffled list, and what samples of the latter are: means over seeds, and each."""
    found = [of_names(asked, scratch / str(seed), seed) for seed in asked.seeds]
    table: dict[str, float] = {key: mean(each[key] for each in found) for key in found[0]}
    table["difference of the means, %"] = 100 * abs(table["nats, sorted"] / table["nats, shuffled"] - 1)
    if len(found) > 1:
        table |= {f"{key}, seed {seed}": each[key] for key in PER_SEED for seed, each in zip(asked.seeds, found)}
    return table


def of_names(asked: argparse.Namespace, scratch: Path, seed: int) -> dict[str, float]:
    """The measures of one seed."""
    scratch.mkdir()
    items, nats = sorted(listed(asked)), {}
    budget = {"steps": asked.steps} if asked.steps else {"minutes": asked.minutes}
    for order in ("sorted", "shuffled"):
        if order == "shuffled":
            random.Random(seed).shuffle(items)
        path = scratch / f"{order}.txt"
        path.write_text("\n".join(items) + "\n")
        model = seqgen.train(path, scratch / order, seed=seed, **budget)
        nats[order] = float(model.checkpoint.metrics["nats_per_token"])
    plain, new = (drawn(model, scratch, asked, seed, new) for new in (False, True))
    lines = plain.split("\n")[:-1]
    known, made = set(items), new.split("\n")[:-1]
    good = re.compile(r"[^\W\d_][^\n]*")
    return {
        "nats, sorted": nats["sorted"],
        "nats, shuffled": nats["shuffled"],
        "difference, %": 100 * abs(nats["sorted"] / nats["shuffled"] - 1),
        "n-gram baseline, nats": float(model.checkpoint.metrics["ngram_nats"]),
        "samples": len(lines),
        "of one well-formed line, %": 100 * sum(bool(good.fullmatch(line)) for line in lines) / asked.samples,
        "first letters' total variation": apart(items, lines),
        "of names drawn from the list": apart(items, random.Random(seed).choices(items, k=len(lines))),
        "in the corpus, without --new, %": 100 * sum(line in known for line in lines) / asked.samples,
        "new: lines": len(made),
        "new: in the corpus": sum(line in known for line in made),
        "new: twice": len(made) - len(set(made)),
    }


def apart(items: list[str], lines: list[str]) -> float:
    """The total variation between the first letters of two lists."""
    letters = [Counter(item[0] for item in each) for each in (items, lines)]
    shares = [{letter: count / each.total() for letter, count in each.items()} for each in letters]
    return sum(abs(shares[0].get(letter, 0) - shares[1].get(letter, 0)) for letter in {*shares[0], *shares[1]}) / 2


def drawn(model: Model, scratch: Path, asked: argparse.Namespace, seed: int, new: bool = False) -> str:
    """A file of samples with default settings."""
    path = scratch / "made.txt"
    write_bytes(path, b"")
    path.unlink()
    job = SampleJob(checkpoint=model.name, samples=asked.samples, output=str(path), seed=seed, new=new, no_take=True)
    sample(job)
    return path.read_text()


def recipe(chance: random.Random) -> str:
    """A made-up recipe of eight lines."""
    first, second, *others = chance.sample(FOODS, 4)
    parts = [f"- {chance.randint(1, 9)} {chance.choice(UNITS)} {food}" for food in (first, second, *others)]
    title = f"Title: {first.title()} and {second} {chance.choice(('stew', 'pie'))}\nServes: {chance.randint(1, 6)}"
    end = f"Mix the {first} with the {second}. Bake {chance.randint(10, 90)} minutes."
    return "\n".join([title, *parts, end])


def recipes(asked: argparse.Namespace, scratch: Path) -> dict[str, float]:
    """How many first items are well formed: every sample is one. The least of the seeds, and each."""
    shares = {seed: of_recipes(asked, scratch / f"recipes {seed}", seed) for seed in asked.seeds}
    each = {f"well formed, %, seed {seed}": share for seed, share in shares.items()}
    return {"samples": asked.samples, "well formed, %": min(shares.values()), **(each if len(shares) > 1 else {})}


def of_recipes(asked: argparse.Namespace, scratch: Path, seed: int) -> float:
    """The share of one seed, in percent."""
    scratch.mkdir()
    chance = random.Random(seed)
    (scratch / "recipes.txt").write_text("\n\n".join(recipe(chance) for _ in range(500)) + "\n")
    model = seqgen.train(scratch / "recipes.txt", scratch / "run", documents="blank", minutes=asked.minutes, seed=seed)
    found = [item.strip("\n") for item in drawn(model, scratch, asked, seed).split("\n\n")]
    return 100 * sum(bool(RECIPE.fullmatch(item)) for item in found) / asked.samples


def speed(asked: argparse.Namespace, scratch: Path) -> dict[str, float]:
    """Tokens a second of processor time: a list, and one document of the same words."""
    torch.set_num_threads(1)
    items = listed(asked)
    (scratch / "list.txt").write_text("\n".join(items) + "\n")
    (scratch / "long.txt").write_text(" ".join(items) + "\n")
    timers = {
        "list": timer(scratch / "list.txt", "line", scratch / "a", asked.seed),
        "long": timer(scratch / "long.txt", "file", scratch / "b", asked.seed),
    }
    rates: dict[str, list[float]] = {name: [] for name in timers}
    for turn in range(9):
        for name, timed in timers.items():
            rate = timed(turn)
            if turn:
                rates[name].append(rate)
    shares = [one / other for one, other in zip(rates["list"], rates["long"])]
    found = {f"tokens/s, {name}": median(each) for name, each in rates.items()}
    return found | {"list, % of long": 100 * median(shares)}


def timer(path: Path, documents: str, folder: Path, seed: int) -> Any:
    """A function that trains on 20 steps and gives tokens a second."""
    stream = cached_stream(resolve([path]), TokenizeSettings("char", documents=documents))
    cell, shape = make_model("lstm", {}, {"hidden": 384, "embedding": 128})
    settings = TrainSettings(batch=16, window=64, dropout=0.2, pack=documents == "line")
    plan = TrainPlan("lstm", cell, shape, settings, Budget(steps=1_000), seed, torch.device("cpu"))
    trainer = Run(folder, TrainingCorpus(stream, Tokenizer.from_spec(stream.codec_spec)), plan, SILENT).trainer
    trainer.network.train()
    epoch = trainer.laid_out(0)

    def timed(turn: int) -> float:
        tokens, began = 0, time.process_time()
        for step in range(20 * turn, 20 * turn + 20):
            if isinstance(epoch, PackedEpoch):
                some = trainer.packed.packed(epoch, step, slice(0, 16))
                trainer.step.packed(some.groups, some.count, 1e-3)
                tokens += some.count
            else:
                window = trainer.feed.window(epoch, step)
                trainer.step(window.x, window.y, window.keep, window.count, 1e-3)
                tokens += int((window.y != IGNORED).sum())
        return tokens / (time.process_time() - began)

    return timed
