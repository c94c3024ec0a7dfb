"""Claim: samples are music: no heaps, no strangers, and measures whose medians lie within the corpus's quartiles.

    python benchmarks/musical.py MODEL[=CORPUS] … [--train FOLDER --minutes 1.5] [--samples 1000] [--at-once 250]

MODEL is a published model or a run folder, CORPUS what it learned from: a catalogued corpus or a folder; without it
the corpus of the model's name, else that of the run folder. With --train a model is trained of any folder of music
first, as `seqgen train FOLDER --minutes M` does. Of each model samples are drawn as `seqgen generate` draws them. What
is counted and measured is told in `seqgen/evaluation/plausibility.py`; the whole corpus goes through the model's codec
first, so that both sides are measured on what the codec can say. A hundred samples take some minutes.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from seqgen import catalogue
from seqgen.api.model import Model, load
from seqgen.evaluation.plausibility import NAMES, TITLES, Heard
from seqgen.jobs.evaluate import corpora
from seqgen.jobs.evaluate.music_measures import measured
from seqgen.jobs.evaluate.music_samples import sampled, scores_of
from seqgen.music.score import DRUMS, Score

from _report import print_table, write_json  # isort: skip

PROMISED = ("in_key", "notes_per_second", "empty_bars", "repeated_notes")  # whose medians lie within the quartiles
MOST_TOKENS = 20_000_000  # of the corpus of a run folder


def corpus_of(model: Model, source: str | None) -> list[Score]:
    """The pieces of the corpus, through the codec of the model."""
    size = model.tokenizer.document_id
    if source is not None:
        corpus = [corpora.opened([source], model.tokenizer)]
    else:
        run = corpora.recorded(model.name)
        corpus = [corpora.trained_on(run, size, MOST_TOKENS), corpora.held_out(run, size)]
    pieces = [np.asarray(each.ids[begin:end]) for each in corpus for begin, end in pairwise(each.starts.tolist())]
    return scores_of(model, pieces)


def strange(samples: Sequence[Score], corpus: Sequence[Score]) -> dict[str, int]:
    """How many notes of samples are of drums where the corpus has none, of other programs and of parts it has not."""
    heard = Heard.of(corpus)
    found = [(len(score), heard.strangers(score)) for score in samples]
    drums = 0 if heard.programs[DRUMS] else sum(int((score.program == DRUMS).sum()) for score in samples)
    programs, parts = (round(sum(notes * shares[kind] for notes, shares in found)) for kind in (0, 1))
    return {"drums": drums, "programs": programs, "parts": parts}


def measure(name: str, source: str | None, given: argparse.Namespace) -> dict[str, Any]:
    """All numbers of one model."""
    model = load(name)
    corpus = corpus_of(model, source)
    began = time.perf_counter()
    ids = sampled(model, given.samples, given.seed, given.temperature, at_once=given.at_once)
    seconds = time.perf_counter() - began
    samples = scores_of(model, ids)
    found = measured(corpus, samples, corpus)
    data = found.to_json()
    return {
        "codec": model.tokenizer.codec_name,
        "pieces": len(corpus),
        "samples": len(ids),
        "without_notes": len(ids) - len(samples),
        "tokens": sum(map(len, ids)),
        "seconds": round(seconds, 1),
        "strange_notes": strange(samples, corpus),
        "held": {
            "doubled_keys": found.doubled == 0,
            "together": all(found.samples_most[each] <= most for each, most in found.corpus_most.items()),
            "strangers": not any(strange(samples, corpus).values()),
            "medians": {each.name: each.inside for each in found.compared if each.name in PROMISED},
        },
        **data,
    }


def trained(folder: str, minutes: float, seed: int, into: Path) -> str:
    """The run folder of a model that the command line trains."""
    command = [sys.executable, "-P", "-m", "seqgen", "train", folder, "-o", str(into)]
    done = subprocess.run([*command, "--minutes", str(minutes), "--seed", str(seed)], check=False)
    if done.returncode:
        sys.exit(done.returncode)
    return str(into)


def show(results: dict[str, Any]) -> None:
    """What holds of each model, then each measure beside the corpus."""
    rows = []
    for name, one in results.items():
        most = one["most_together"]
        pairs = [f"{most['samples'][each]} ≤ {most['corpus'][each]}" for each in most["corpus"]]
        wrong = ", ".join(TITLES[each] for each, inside in one["held"]["medians"].items() if not inside) or "none"
        rows.append((name, one["samples"], one["doubled_keys"], *pairs, *one["strange_notes"].values(), wrong))
    counted = ("at once", "of a part", "drums", "programs", "parts", "medians outside")
    print_table(("model", "samples", "keys twice", *counted), rows)
    print()
    lines: list[tuple[object, ...]] = []
    for name, one in results.items():
        for each in (each for each in NAMES if each in one["measures"]):
            corpus, samples = (one["measures"][each][side] for side in ("corpus", "samples"))
            three = [float(corpus[key]) for key in ("lower_quartile", "median", "upper_quartile")]
            said = "yes" if one["measures"][each]["inside"] else "no"
            lines.append((f"{name}: {TITLES[each]}", *three, float(samples["median"]), said))
    print_table(("model: measure", "corpus lower", "median", "upper", "samples", "inside"), lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL[=CORPUS]")
    parser.add_argument("--train", metavar="FOLDER")
    parser.add_argument("--minutes", type=float, default=1.5)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=250)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--temperature", type=float, default=0.8, help="as `seqgen generate` has it")
    parser.add_argument("--no-json", action="store_true", help="leave no result file")
    given = parser.parse_args()
    if not given.models and not given.train:
        parser.error("name a model, or --train FOLDER")
    results = {}
    for name, _, source in (each.partition("=") for each in given.models):
        own = name if name in catalogue.names() else None
        results[Path(name).name] = measure(name, source or own, given)
    with tempfile.TemporaryDirectory() as folder:
        if given.train:
            run = trained(given.train, given.minutes, given.seed, Path(folder) / "run")
            results[f"{given.minutes:g} minutes of {Path(given.train).name}"] = measure(run, given.train, given)
    show(results)
    if not given.no_json:
        kept = {name: getattr(given, name) for name in ("samples", "seed", "temperature", "minutes")}
        print(f"\nwritten: {write_json('musical', results, kept)}")


if __name__ == "__main__":
    main()
