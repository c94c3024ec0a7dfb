"""The part `probes` of inside.py: who wrote a stretch of music, which library a stretch of code is from.

Works and files are held out whole: what is measured on is from none that the read-out learned from. A stretch, not a
file, is a document, since a file of C says in its first lines whose it is. Stretches end after some 400 tokens, of
which `seqgen probe` reads as many.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from seqgen import catalogue
from seqgen.jobs.probe import ProbeJob, probe
from seqgen.music.read import read_score
from seqgen.music.score import Score
from seqgen.music.write import write_score
from seqgen.report import Report

QUARTERS = 16  # of a stretch of music
FEWEST = 24  # notes in it
BYTES = 400  # of a stretch of code
EACH = {"learned": 240, "asked": 80}  # stretches of a label, where it has as many
ASKED = 4  # of the works, or files, of a label one in so many is held out
Stretches = Callable[[bytes], Iterator[bytes]]


def probes() -> dict[str, Any]:
    """Each task by a model that read these works in training, and music by one that never did, too."""
    composers = ("monteverdi", "haydn", "mozart", "beethoven")
    made: dict[str, Any] = {}
    with TemporaryDirectory() as place:
        folder = Path(catalogue.get("classical-styles"))
        for name, labels in (("composers", composers), ("quartets", composers[1:])):
            root = Path(place, name)
            for label in labels:
                works = _works(sorted(next(folder.rglob(label)).iterdir()))
                _put(root, label, works, _music, ".mid")
            made[name] = _told(root, ("classical-styles", "bach-chorales"))
        root = Path(place, "libraries")
        for label in ("sqlite", "libuv", "aws-c"):
            files = sorted(Path(catalogue.get(label)).rglob("*.c"))
            _put(root, label, {str(path): [path] for path in files}, _code, ".c")
        made["libraries"] = _told(root, ("sqlite-c",))
    return made


def _works(paths: list[Path]) -> dict[str, list[Path]]:
    """The movements of each work: `opus18no1-movement1.mxl` is of `opus18no1`."""
    found = defaultdict(list)
    for path in paths:
        found[path.name.partition("-")[0]].append(path)
    return dict(found)


def _put(root: Path, label: str, works: dict[str, list[Path]], cut: Stretches, suffix: str) -> None:
    """Write the stretches of a label's works, at most EACH, into `learned` and `asked`."""
    names = np.random.default_rng(1).permutation(sorted(works)).tolist()
    held = max(1, len(names) // ASKED)
    for part, own in (("asked", names[:held]), ("learned", names[held:])):
        found = [stretch for name in own for path in works[name] for stretch in cut(path.read_bytes())]
        order = np.random.default_rng(2).permutation(len(found))[: EACH[part]]
        target = root / part / label
        target.mkdir(parents=True)
        for number, chosen in enumerate(order.tolist()):
            (target / f"{number}{suffix}").write_bytes(found[chosen])


def _music(data: bytes) -> Iterator[bytes]:
    """Stretches of QUARTERS quarter notes, each a MIDI file."""
    score = read_score(data, Report())
    length = QUARTERS * score.ticks_per_quarter
    for begin in range(0, int(score.onset.max(initial=0)) + 1, length):
        inside = (score.onset >= begin) & (score.onset < begin + length)
        if int(inside.sum()) >= FEWEST:
            yield write_score(_between(score, inside, begin))


def _between(score: Score, inside: np.ndarray, begin: int) -> Score:
    """The notes of a stretch, in the meter and at the tempo that hold where it begins."""
    tempo = int(np.searchsorted(score.tempo_tick, begin, side="right")) - 1
    meter = int(np.searchsorted(score.meter_tick, begin, side="right")) - 1
    columns = (score.onset - begin, score.duration, score.pitch, score.velocity, score.program)
    rows = np.stack([np.asarray(column, np.int64)[inside] for column in columns], axis=1)
    made = Score.from_notes(score.ticks_per_quarter, rows, part=score.part[inside])
    return replace(made, tempo=score.tempo[tempo : tempo + 1], meter=score.meter[meter : meter + 1])


def _code(data: bytes) -> Iterator[bytes]:
    """Stretches of whole lines from beyond the first 2,000 bytes, where licences and names stand."""
    lines, own = data[2000:].split(b"\n")[1:], b""
    for line in lines:
        own += line + b"\n"
        if len(own) >= BYTES:
            yield own
            own = b""


def _told(root: Path, models: tuple[str, ...]) -> dict[str, Any]:
    """What each model's read-out tells, and how many stretches there were of each label."""
    counts = {
        part: {label.name: len(list(label.iterdir())) for label in sorted((root / part).iterdir())}
        for part in ("learned", "asked")
    }
    made: dict[str, Any] = {"stretches": counts}
    for model in models:
        job = ProbeJob(model, [str(root / "learned")], [str(root / "asked")])
        made[model] = {each.name: each.to_json() for each in probe(job).results}
        print(root.name, model, {name: found["accuracy"] for name, found in made[model].items()})
    return made
