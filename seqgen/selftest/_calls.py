"""One command line for every command, on small files, for checks that try all commands."""

import os
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

from seqgen.files import guarding, write_bytes
from seqgen.jobs.sample.session import sample
from seqgen.jobs.sample.settings import SampleJob
from seqgen.selftest import _materials
from seqgen.takes import exchange
from seqgen.takes.store import Takes

Words = tuple[str, ...]

CALLS: dict[Words, tuple[Words, ...]] = {
    ("corpus", "get"): (("nothing",),),  # what there is, only the network has
    ("corpus", "info"): (("shakespeare",), ("shakespeare", "--json")),
    ("corpus", "list"): ((), ("--json",)),
    ("decode",): (("play.tokens", "-o", "-"), ("play.tokens", "-o", "out.txt")),
    ("demo",): (("--device", "nothing", "-o", "made"),),  # the whole takes minutes
    ("doctor",): ((), ("--json",)),
    ("evaluate",): (("toy.model", "play.txt"), ("toy.model", "--text", "ANNA", "--json")),
    ("accompany",): (("toy.model", "song.mid", "--parts", "bass"),),  # which is a model of text
    ("export",): (("toy.model", "-o", "out.html"), ("toy.model", "-o", "out.js", "--int8")),
    ("fill",): (("toy.model", "play.txt", "--lines", "2", "--left-alone", "--seed", "1", "--no-take"),),
    ("vary",): (("toy.model", "play.txt", "--left-alone", "--amount", "0.01", "--seed", "1", "--no-take"),),
    ("generate",): (
        ("toy.model", "-l", "20", "--seed", "1", "--no-take"),
        ("toy.model", "-l", "20", "--seed", "1", "--no-take", "--json"),
        ("toy.model", "-l", "20", "--seed", "1", "--no-take", "--events"),
        ("toy.model", "-l", "20", "--seed", "1", "--no-take", "-o", "out.txt"),
    ),
    ("inspect",): (("play.tokens",), ("toy.model",), ("toy.model", "--json"), ("song.mid",), ("corpus",)),
    ("jam",): (("toy.model", "--ports", "loopback", "--virtual", "--seconds", "0.3", "--no-log", "--no-take"),),
    ("look",): (("toy.model", "play.txt"), ("toy.model", "play.txt", "-o", "out.html")),
    ("lesson",): ((), ("step",), ("step", "-o", "out.html")),
    ("merge",): (("play.tokens", "-o", "out.tokens"),),  # which is no shard
    ("probe",): (("toy.model", "corpus"),),
    ("pull",): (("nothing",),),
    ("push",): (("toy.model", "me/toy", "--licence", "mit", "--dry-run"),),
    ("render",): (("song.mid", "-o", "out.wav", "--rate", "8000"), ("song.mid", "-o", "-", "--format", "svg")),
    ("selftest",): (("--only", "pickles"), ("--only", "pickles", "--json")),
    ("studio",): (("nothing",),),  # a model that is not there; else it goes on until it is ended
    ("takes", "delete"): (("nothing",),),
    ("takes", "export"): (("--all",), ("last", "-o", "out.jsonl")),
    ("takes", "import"): (("takes.jsonl",),),
    ("takes", "list"): ((), ("--json",)),
    ("takes", "replay"): (("last",), ("last", "-o", "out.txt")),
    ("takes", "show"): (("last",), ("last", "--json")),
    ("takes", "star"): (("last",),),
    ("tokenize",): (
        ("play.txt", "-c", "char", "-o", "out.tokens"),
        ("play.txt", "-c", "char", "-o", "-"),
        ("corpus", "-c", "char", "-o", "out.tokens", "--workers", "2"),
    ),
    ("train",): (("play.txt", "-o", "made", "--seed", "1", "--steps", "1", *_materials.TINY),),
}
# Of commands without lines above, by the names of their parameters.
USUAL = {"checkpoint": "toy.model", "source": "play.txt", "file": "play.tokens", "output": "out.txt"}
SLOW = (
    "demo",
    "evaluate",
    "lesson",
    "look",
    "probe",
    "selftest",
    "train",
)  # seconds each: they start torch, or another program
MADE = ("out.txt", "out.html", "out.js", "out.wav", "out.jsonl", "out.tokens", "made")  # what these lines write


def lines(words: Words, command: Any) -> tuple[Words, ...]:
    """The lines of a click command: those above, or, of a new one, the one that its parameters' names tell; or none."""
    told = all(each.name in USUAL for each in command.params if each.required)
    return CALLS.get(words, (needed(command, USUAL),) if told else ())


def needed(command: Any, usual: Mapping[str, str]) -> Words:
    """What a click command cannot do without, told by the names of its parameters; those that tell nothing lack."""
    found: list[str] = []
    for each in command.params:
        if each.required and each.name in usual:
            found += [*[flag for flag in each.opts if flag.startswith("-")][:1], usual[each.name]]
    return tuple(found)


def prepare(folder: Path) -> dict[str, str]:
    """Make the files that the lines name. Returns the environment that keeps to this folder."""
    _materials.play(folder)
    _materials.corpus(folder)
    (folder / "song.mid").write_bytes(_materials.midi(Random(0)))
    _materials.checkpoint().save(folder / "toy.model")
    own = {"SEQGEN_CACHE": str(folder / "cache"), "SEQGEN_TAKES": str(folder / "takes.sqlite")}
    os.environ.update(own)  # this process is the check's own
    os.chdir(folder)
    code, said = _materials.tokenized(Path("play.txt"), Path("play.tokens"), "char")
    if code:
        raise RuntimeError(said)
    with guarding.guarded():  # so that commands know the files for seqgen's own, and may replace them
        sample(SampleJob(checkpoint="toy.model", length=20, seed=1, output="first.txt"))
        guarding.claim("takes.jsonl")
        with Takes(write=False) as takes:
            write_bytes("takes.jsonl", b"".join(exchange.export(takes, takes.list(None)[::-1])))
    return {**os.environ, **own}
