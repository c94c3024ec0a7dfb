"""The commands that need no network open no socket: an audit hook, which cannot be taken off, sees every attempt."""

import sys
from pathlib import Path
from random import Random
from typing import Any

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
    for arguments in (
        ("tokenize", play, "-o", tokens),
        ("inspect", tokens),
        ("decode", tokens, "-o", folder / "again.txt"),
        ("train", tokens, "-o", place, "--steps", 2, *_materials.TINY),
        ("inspect", place),
        ("evaluate", place, play),
        ("generate", place, "-l", 20),
        ("render", song, "-o", folder / "song.wav"),
        ("corpus", "list"),
    ):
        seen.clear()
        code, said = _materials.call(*arguments)
        tally.case(code == 0, f"{arguments[0]}: {said[-200:]}")
        tally.case(not seen, f"{arguments[0]}: {seen[:3]}")
