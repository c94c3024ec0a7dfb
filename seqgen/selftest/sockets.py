"""The jobs that need no network open no socket: an audit hook, which cannot be taken off, sees every attempt."""

import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from seqgen import catalogue
from seqgen.jobs.decode import decode
from seqgen.jobs.describe.facts import describe
from seqgen.jobs.evaluate.job import evaluate
from seqgen.jobs.evaluate.settings import EvaluateJob
from seqgen.jobs.observer import Observer
from seqgen.jobs.render import RenderJob, render
from seqgen.jobs.sample.session import sample
from seqgen.jobs.sample.settings import SampleJob
from seqgen.jobs.tokenize import TokenizeJob, tokenize
from seqgen.jobs.train.job import train
from seqgen.jobs.train.settings import TrainJob
from seqgen.selftest import Tally, _materials

TITLE = "core commands open no socket"
QUICK, LONG = 1, 1
WATCHED = ("socket.__new__", "socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.bind")


def run(tally: Tally, count: int, random: Random, folder: Path) -> None:
    """Tokenize, inspect, decode, train, evaluate, generate, render, list corpora."""
    seen: list[str] = []

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in WATCHED:
            seen.append(event)

    sys.addaudithook(hook)
    play, song = _materials.play(folder), folder / "song.mid"
    song.write_bytes(_materials.midi(random))
    tokens, place = folder / "play.tokens", folder / "run"
    run_job = TrainJob((str(tokens),), place, settings=_materials.SMALL, steps=2, device="cpu")
    jobs: dict[str, Callable[[Observer], object]] = {
        "tokenize": lambda observer: tokenize(TokenizeJob((str(play),), tokens), observer),
        "inspect a stream": lambda observer: describe(str(tokens), observer=observer),
        "decode": lambda observer: decode(str(tokens), str(folder / "again.txt"), observer),
        "train": lambda observer: train(run_job, observer),
        "inspect a run": lambda observer: describe(str(place), observer=observer),
        "evaluate": lambda observer: evaluate(EvaluateJob((str(place),), (str(play),)), observer),
        "generate": lambda observer: sample(SampleJob(checkpoint=str(place), length=20), observer=observer),
        "render": lambda observer: render(RenderJob(str(song), (str(folder / "song.wav"),)), observer),
        "corpus list": lambda observer: [catalogue.locate(name) for name in catalogue.names()],
    }
    for name, work in jobs.items():
        seen.clear()
        code, said = _materials.attempt(work)
        tally.case(code == 0, f"{name}: {said[-200:]}")
        tally.case(not seen, f"{name}: {seen[:3]}")
