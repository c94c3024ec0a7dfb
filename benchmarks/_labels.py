"""What `inside.py` measures of labels: sentiment of reviews, composers of music, libraries of code. See there."""

import json
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqgen import catalogue
from seqgen.jobs.probe import ProbeJob, probe
from seqgen.music.read import read_score
from seqgen.music.score import Score
from seqgen.music.write import write_score

SEEDS = (1, 2, 3)
BEATS, NOTES = 32, 48  # of a passage of music: how long it is, and the fewest notes
CHARACTERS, HEAD = 400, 2_000  # of a passage of code; what a file begins with, which names its authors
LEARNED, ASKED = 300, 100  # passages of a label, at most
Passages = Callable[[Path], Iterator[bytes]]


def of_music(path: Path) -> Iterator[bytes]:
    """Stretches of BEATS quarter notes, on a piano, of one loudness and tempo: these would tell an edition."""
    score = read_score(path.read_bytes())
    long = BEATS * score.ticks_per_quarter
    for begin in range(0, int(score.onset.max(initial=0)), long):
        own = (score.onset >= begin) & (score.onset < begin + long)
        if own.sum() >= NOTES:
            onset = score.onset[own] - begin
            duration = np.minimum(score.duration[own], long - onset)
            same = np.full(len(onset), 64), np.zeros(len(onset), np.int64)
            rows = np.stack([onset, duration, score.pitch[own].astype(np.int64), *same], axis=1)
            yield write_score(Score.from_notes(score.ticks_per_quarter, rows))


def of_code(path: Path) -> Iterator[bytes]:
    """Stretches of CHARACTERS, each from the beginning of a line on, after the head of the file."""
    data = path.read_bytes()
    begin = HEAD
    while 0 <= (begin := data.find(b"\n", begin)) < len(data) - CHARACTERS:
        begin += 1
        yield data[begin : begin + CHARACTERS]
        begin += CHARACTERS


def told(
    model: str, labelled: dict[str, Sequence[Path]], passages: Passages, suffix: str, seed: int
) -> dict[str, object]:
    """What a probe of a model tells of passages of files that it did not learn from: a fifth of the files."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as place:
        for label, paths in labelled.items():
            files = rng.sample(list(paths), len(paths))
            fifth = max(1, len(files) // 5)
            for part, own, most in (("asked", files[:fifth], ASKED), ("learned", files[fifth:], LEARNED)):
                found = [each for path in own for each in passages(path)]
                Path(place, part, label).mkdir(parents=True)
                for number, each in enumerate(rng.sample(found, min(most, len(found)))):
                    Path(place, part, label, f"{number}{suffix}").write_bytes(each)
        results = probe(ProbeJob(model, [f"{place}/learned"], [f"{place}/asked"], seed=seed)).results
    found_by = {each.name: each.to_json() for each in results}
    print(model, ", ".join(labelled), json.dumps(found_by))
    return {"model": model, "labels": list(labelled), **found_by}


def composers() -> dict[str, Any]:
    """Who wrote a passage of 32 beats, for three splits of the pieces."""
    styles, chorales = (Path(catalogue.get(name)) for name in ("classical-styles", "bach-chorales"))
    labelled: dict[str, Sequence[Path]] = {"bach": sorted(path for path in chorales.rglob("*") if path.is_file())}
    for name in ("beethoven", "monteverdi", "mozart"):
        labelled[name] = sorted(path for path in (styles / name).rglob("*") if path.is_file())
    return _over_seeds(lambda seed: told("classical-styles", labelled, of_music, ".mid", seed))


def libraries() -> dict[str, Any]:
    """From which library 400 characters of C are, for three splits of the files."""
    names = ("sqlite", "libuv", "aws-c")
    labelled = {name: sorted(Path(catalogue.get(name)).rglob("*.c")) for name in names}
    return _over_seeds(lambda seed: told("sqlite-c", labelled, of_code, ".c", seed))


def _over_seeds(work: Callable[[int], dict[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {f"seed {seed}": work(seed) for seed in SEEDS}
    first = made["seed 1"]
    made["mean"] = {
        name: round(float(np.mean([made[f"seed {seed}"][name]["accuracy"] for seed in SEEDS])), 4)
        for name, value in first.items()
        if isinstance(value, dict)
    }
    print(made["mean"])
    return made
