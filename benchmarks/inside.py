"""Claims: cells are found, gradients are right, small tasks are learned, a page is small and quick, reviews are told.

    python benchmarks/inside.py [finder|speed|gradients|lessons|page|reviews|probes …]

Without names all parts are measured; each writes its numbers into results/inside.json beside those of the others, and
when it did so, at what load.

finder     cells of sqlite-c over the first 1,000,000 bytes of C files of the corpus `sqlite`, which it was trained on,
           and over files of `libuv` and `aws-c`, which it was not
speed      seconds of the finder for a model of 2×512 (tiny-shakespeare) over 1,000,000 characters, wall and processor
gradients  ∂L/∂h by lag against autograd through the module from a state put in; the error of integrated gradients' sum
lessons    the numbers that each lesson comes to, and its processor time on one thread
page       bytes, seconds of `look` on 5,000 characters, milliseconds until Chromium has drawn the page
reviews    sentiment by sign (a mean rating above 0 is positive, below 0 negative; the 37 sentences rated 0 are left
           out) on a tenth of `movie-reviews` that neither the language model nor the read-out saw, by the read-out, end
           to end and naive Bayes, for three seeds of the split; the language model is trained first, on the other nine
           tenths without their labels, for STEPS: in minutes a busy machine would make another model
probes     composers of 16 quarter notes and libraries of 400 bytes of code, from works and files that were held out
"""

import csv
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

import seqgen
from seqgen import catalogue
from seqgen.checkpoint import Checkpoint
from seqgen.inside import lessons
from seqgen.inside.finder import find
from seqgen.inside.look import corpus_features, look, reading
from seqgen.jobs.probe import ProbeJob, probe

from _inside_probes import probes  # isort: skip
from _report import RESULTS, print_table, write_json  # isort: skip

BYTES, CHARACTERS = 1_000_000, 5_000
STEPS = 600  # of 64 × 32 tokens, some five passes
BROWSERS = ("chromium", "chromium-headless-shell", "google-chrome")
QUIETLY = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --enable-logging=stderr --window-size=1200,900"
)


def code_of(corpus: str) -> bytes:
    """The first bytes of the C files of a corpus."""
    folder = Path(catalogue.get(corpus))
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*.c")))[:BYTES]


def cells(name: str, data: bytes) -> dict[str, Any]:
    """The best cell of each feature."""
    checkpoint = Checkpoint.load(name)
    ids = checkpoint.tokenizer.encode(data).astype(np.int64)
    wall, used = time.perf_counter(), time.process_time()
    features = corpus_features(checkpoint.tokenizer, ids, np.array([0]))
    found = find(checkpoint, ids, features, best=1)
    seconds = {"wall_s": round(time.perf_counter() - wall, 2), "processor_s": round(time.process_time() - used, 2)}
    settings = checkpoint.settings
    shape = f"{settings.layers}x{settings.hidden}"
    return {"tokens": len(ids), "shape": shape, **seconds, "cells": [each.to_json() for each in found]}


def finder() -> dict[str, Any]:
    """Cells of sqlite-c on its own corpus and on two others."""
    made = {corpus: cells("sqlite-c", code_of(corpus)) for corpus in ("sqlite", "libuv", "aws-c")}
    for corpus, found in made.items():
        rows = [
            tuple(each[key] for key in ("feature", "cell", "part", "correlation", "balanced", "chance"))
            for each in found["cells"]
        ]
        print_table(("feature", "cell", "part", "r", "balanced", "chance"), rows)
        print(f"{corpus}: {found['tokens']:,} tokens in {found['wall_s']} s\n")
    return made


def speed() -> dict[str, Any]:
    """The finder over a megabyte of plays."""
    folder = Path(catalogue.get("shakespeare"))
    data = b"".join(path.read_bytes() for path in sorted(folder.rglob("*.txt")))[:BYTES]
    found = cells("tiny-shakespeare", data)
    seconds = f"{found['wall_s']} s ({found['processor_s']} s of processor)"
    print(f"finder, {found['shape']}: {found['tokens']:,} tokens in {seconds}")
    return found


def gradients() -> dict[str, Any]:
    """Held beside autograd, for each cell."""
    import torch

    from seqgen import registry
    from seqgen.inside.gradients import fresh_network, state_norms
    from seqgen.inside.saliency import PAST, integrate
    from seqgen.inside.unrolled import precise
    from seqgen.models import ModelSettings

    worst, rng = 0.0, np.random.default_rng(1)
    tokens = torch.from_numpy(rng.integers(0, 50, (4, 40)))
    targets = torch.from_numpy(rng.integers(0, 50, 4))
    for name in ("rnn", "gru", "lstm"):
        network = fresh_network(registry.load("cells", name)(), ModelSettings(64, 1, 32), 50).requires_grad_(False)
        norms = state_norms(network, tokens, targets)[0]
        for lag in (1, 5, 20, 35):
            with torch.no_grad():
                _, (middle,) = network(tokens[:, :-lag], network.initial_state(4))
            middle = tuple(part.clone().requires_grad_(True) for part in middle)
            logits, _ = network(tokens[:, -lag:], (middle,))
            loss = torch.nn.functional.cross_entropy(logits[:, -1], targets, reduction="sum")
            for part, slope in enumerate(torch.autograd.grad(loss, middle)):
                wanted = float(slope.norm(dim=-1).mean())
                worst = max(worst, abs(norms[part, lag] - wanted) / max(wanted, 1e-30))
    errors = []
    for name, text in (
        ("sqlite-c", code_of("sqlite")[:3000]),
        ("tiny-shakespeare", b"ROMEO:\nWhat light is this?\n" * 20),
    ):
        checkpoint = Checkpoint.load(name)
        ids = checkpoint.tokenizer.encode(text).astype(np.int64)
        network, frame = precise(checkpoint), checkpoint.tokenizer.frame().tolist()
        for place in (100, 200, 300):
            past, target = torch.from_numpy(ids[None, place - PAST : place]), torch.from_numpy(ids[place : place + 1])
            with torch.no_grad():  # what a memory carries is a part of the state, too
                read = torch.tensor([[*frame, *ids[: place - PAST].tolist()]])
                _, state = network(read, network.initial_state(1))
            errors.append(integrate(network, past, target, state)[2])
    found = {"gradients_relative_error": worst, "integrated_worst_error": max(errors)}
    print(found)
    return found


def taught() -> dict[str, Any]:
    """Every lesson, on one thread."""
    import torch

    torch.set_num_threads(1)
    made = {}
    for name in lessons.names():
        used = time.process_time()
        found = lessons.run(name, lambda line: None)
        made[name] = {"processor_s": round(time.process_time() - used, 1), **found.numbers}
        print(name, made[name])
    return made


def page() -> dict[str, Any]:
    """A page of 5,000 characters of code, as the command writes it, and how soon a browser has it."""
    text = code_of("sqlite")[20_000 : 20_000 + CHARACTERS]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "file.c").write_bytes(text)
        made: dict[str, Any] = {}
        for name, more in (("cells", ["--cells-only"]), ("everything", [])):
            words = [sys.executable, "-P", "-m", "seqgen", "look", "sqlite-c", "file.c", "-o", f"{name}.html", *more]
            began = time.perf_counter()
            subprocess.run(words, cwd=folder, check=True, capture_output=True)
            made[name] = {
                "wall_s": round(time.perf_counter() - began, 2),
                "bytes": Path(folder, f"{name}.html").stat().st_size,
            }
        checkpoint, used = Checkpoint.load("sqlite-c"), time.process_time()
        what = reading(checkpoint.tokenizer, text)
        look(checkpoint, what).page()
        made["cells"]["processor_s"] = round(time.process_time() - used, 2)
        used = time.process_time()
        look(checkpoint, what, wanted=("gradients", "saliency")).page()
        made["everything"]["processor_s"] = round(time.process_time() - used, 2)
        made["opens_ms"] = _opens(Path(folder, "everything.html"))
    print(made)
    return made


def _opens(path: Path) -> float | None:
    """Milliseconds until Chromium has drawn a page, by its own clock, the least of three; None where there is none."""
    browser = next((found for each in BROWSERS if (found := shutil.which(each))), None)
    if browser is None:
        return None
    # The page's policy forbids scripts but its own: one that tells the time is put into a copy without the policy.
    text = path.read_text("utf-8")
    begin = text.index("<meta http-equiv")
    text = text[:begin] + text[text.index(">", begin) + 1 :]
    # The second frame after everything is loaded is asked for once the first was drawn.
    said = "console.log('drawn after',performance.now())"
    timer = (
        f"<script>addEventListener('load',()=>requestAnimationFrame(()=>requestAnimationFrame(()=>{said})))</script>"
    )
    copy = path.with_name("timed.html")
    copy.write_text(text.replace("</body>", f"{timer}</body>"), "utf-8")
    times = []
    for number in range(3):
        options = f"--user-data-dir={path.with_name(f'browser{number}')} --screenshot={path.with_name('page.png')}"
        words = [browser, *QUIETLY.split(), *options.split(), copy.as_uri()]
        told = subprocess.run(words, capture_output=True, text=True, check=False).stderr
        times += [float(each) for each in re.findall(r"drawn after ([\d.]+)", told)]
    return round(min(times), 1) if times else None


def reviews() -> dict[str, Any]:
    """Sentiment, for three splits."""
    folder = Path(catalogue.get("movie-reviews"))
    (table,) = folder.glob("*.csv")
    head, *rows = csv.reader(table.open(encoding="utf-8", newline=""))
    rows = [row for row in rows if row[1] != "neutral"]
    made: dict[str, Any] = {}
    for seed in (1, 2, 3):
        random.Random(seed).shuffle(rows)
        with tempfile.TemporaryDirectory() as place:
            asked, learned = Path(place, "asked.csv"), Path(place, "learned.csv")
            for path, part in ((asked, rows[: len(rows) // 10]), (learned, rows[len(rows) // 10 :])):
                with path.open("w", encoding="utf-8", newline="") as file:
                    csv.writer(file).writerows([head, *part])
            shape = {"hidden": 192, "embedding": 128, "layers": 1, "memory": None, "counts": 0, "dropout": 0.4}
            shape |= {"batch": 64, "window": 32, "dropout_embedding": 0.1, "learning_rate": 0.005}
            shape |= {"vocab_size": 8000, "min_count": 2}
            run = Path(place, "run")
            seqgen.train(str(learned), run, codec="word", field="text", steps=STEPS, seed=seed, settings=shape)
            job = ProbeJob(str(run), [str(learned)], [str(asked)], "text", "sentiment", tune=True, seed=seed)
            made[f"seed {seed}"] = {each.name: each.to_json() for each in probe(job).results}
        print(seed, json.dumps(made[f"seed {seed}"]))
    names = made["seed 1"]
    made["mean"] = {
        name: round(float(np.mean([made[f"seed {seed}"][name]["accuracy"] for seed in (1, 2, 3)])), 4) for name in names
    }
    print(made["mean"])
    return made


PARTS = {
    "finder": finder,
    "speed": speed,
    "gradients": gradients,
    "lessons": taught,
    "page": page,
    "reviews": reviews,
    "probes": probes,
}


def main() -> None:
    """Measure the parts that are named, and keep the others."""
    path = RESULTS / "inside.json"
    for name in sys.argv[1:] or list(PARTS):
        found = PARTS[name]()
        written = json.loads(path.read_text("utf-8")) if path.exists() else {}
        measured = {"date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), "load": round(os.getloadavg()[0], 2)}
        results = {**written.get("results", {}), name: found}
        stamps = {**written.get("settings", {}).get("measured", {}), name: measured}
        write_json("inside", _ordered(results), {"measured": _ordered(stamps)})


def _ordered(parts: dict[str, Any]) -> dict[str, Any]:
    return {name: parts[name] for name in PARTS if name in parts}


if __name__ == "__main__":
    main()
