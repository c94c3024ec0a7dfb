"""Exports that a stranger changed are imported: they add takes or are refused, and change nothing that was there.

After each the user's takes replay to the same bytes, their rows are the same, and what the user makes next replays as
well. What was let in replays and can be exported; when it is deleted the list is as it was before.
"""

import contextlib
import io
import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from seqgen import registry
from seqgen.checkpoint import Checkpoint
from seqgen.codecs.midi import Midi, MidiOptions
from seqgen.models import ModelSettings, weight_shapes
from seqgen.selftest import MEMORY, Tally, _exports, _materials, peak_memory
from seqgen.tokenizer import Tokenizer

TITLE = "forged imports of takes: nothing that was there changes"
QUICK, LONG = 40, 2_000
NEXT = 11  # the seed of what the user makes next, and of a stranger's take before: their digits are the same
MUSIC = 2  # cases for one in which the user makes music next
POISON = 3  # cases for one in which all fits but the tokenizer or a token
Rows = dict[str, list[tuple[Any, ...]]]


def run(tally: Tally, count: int, random: Random, folder: Path) -> None:
    """Make takes, those of a stranger from the same checkpoints first; forge, import, look."""
    used, fresh = _models(folder, "used"), _models(folder, "fresh")
    with _list_at(folder / "stranger.sqlite"):
        for model in (*used, *fresh):
            _made(model, NEXT, folder / "stranger")
        theirs = _exported(folder)
    with _list_at(folder / "takes.sqlite"):
        mine = Mine(tally, folder, used, (*used, *fresh))
        both = [*theirs[:-1], *mine.lines[1:-1], {"kind": "end", "takes": 7}]
        exports = [theirs, mine.lines, both]
        for index in range(count):
            poison = index % POISON == 0
            data = _exports.poisoned(random, exports[::2]) if poison else _exports.forged(random, exports)
            mine.survive(data, random.choice(mine.next[index % MUSIC == 0 :: 2]))
    tally.case(tally.facts.get("let_in", 0) > 0, "no forged import was let in: nothing was shown")
    tally.case(tally.facts.get("refused", 0) > 0, "no forged import was refused: nothing was shown")
    tally.case(peak_memory() <= MEMORY, f"{peak_memory():,} bytes of memory")


class Mine:
    """A user with three takes, one with a star, and the checkpoints that the next may come from: text, music, …"""

    def __init__(self, tally: Tally, folder: Path, models: tuple[Path, Path], next: tuple[Path, ...]) -> None:
        self.tally, self.folder, self.next = tally, folder, next
        self.files = [folder / "one.txt", folder / "two.txt", folder / "song.mid"]
        for seed, (model, file) in enumerate(zip((models[0], *models), self.files), 1):
            _made(model, seed, file)
        _done("takes", "star", "last")
        self.table = _table()
        self.ids = [take["id"] for take in reversed(self.table)]
        self.lines = _exported(folder)
        self.rows = _rows()

    def survive(self, data: bytes, model: Path) -> None:
        """One import, before the user makes something with `model`."""
        file, shown = self.folder / "forged.jsonl", data[:150]
        file.write_bytes(data)
        code, said = _materials.call("takes", "import", file)
        self.tally.case(code in (0, 1) and _is_plain(code, said), f"exit {code}, {said[-200:]!r} for {shown!r}")
        self.tally.count("refused" if code else "let_in")
        rows = _rows()
        lost = [name for name, own in self.rows.items() if not set(own) <= set(rows[name])]
        self.tally.case(not lost and (not code or rows == self.rows), f"{lost or 'rows'} changed by {shown!r}")
        self._replay(shown)
        if not code:
            self._export(shown)
        self._go_on(model, shown)
        self._forget(shown)

    def _replay(self, shown: bytes) -> None:
        """Every own take comes back, by its name and by the file that names it; the list shows it as before."""
        again = self.folder / "again"
        for name, file in zip((*self.ids, self.files[2]), (*self.files, self.files[2])):
            code, said = _materials.call("takes", "replay", name, "-o", again)
            same = not code and again.read_bytes() == file.read_bytes()
            self.tally.case(same, f"{file.name} replays otherwise after {shown!r}: {said[-200:]}")
        table = [take for take in _table() if take["id"] in self.ids]
        self.tally.case(table == self.table, f"the list shows own takes otherwise after {shown!r}")

    def _export(self, shown: bytes) -> None:
        """What was let in can be listed, shown and replayed, and goes out again."""
        new = [take["id"] for take in _table() if take["id"] not in self.ids]
        self.tally.count("takes_let_in", len(new))
        about = [words for id in new for words in (("show", id), ("replay", id, "-o", self.folder / "again"))]
        said = [_materials.call("takes", *words) for words in (("list",), ("export", "--all"), *about)]
        self.tally.case(not any(code for code, _ in said), f"{said} after {shown!r}")

    def _go_on(self, model: Path, shown: bytes) -> None:
        """What the user makes next replays, and its MIDI file names it and no other."""
        made, again = self.folder / f"next{_suffix(model)}", self.folder / "again"
        _made(model, NEXT, made)
        carries = made.suffix == ".mid"  # a file of a take, whatever its codec
        for name in ("last", made) if carries else ("last",):
            code, said = _materials.call("takes", "replay", name, "-o", again)
            same = not code and again.read_bytes() == made.read_bytes()
            self.tally.case(same, f"the next take replays otherwise as {name} after {shown!r}: {said[-200:]}")

    def _forget(self, shown: bytes) -> None:
        """All others are deleted: nothing of them stays."""
        others = [take["id"] for take in _table() if take["id"] not in self.ids]
        code, said = _materials.call("takes", "delete", *others)
        self.tally.case(not code and _rows() == self.rows, f"something stayed, or went, after {shown!r}: {said[-200:]}")


def _is_plain(code: int, said: str) -> bool:
    """Whether an error is one sentence about the file, and says nothing of the user's list."""
    blames = "list of takes" in said or "Traceback" in said or "SEQGEN_TAKES" in said
    return not blames and not {"\x1b", "\x07", "\u202e"} & set(said) and (code == 0 or said.count("\n") == 2)


def _models(folder: Path, name: str) -> tuple[Path, Path]:
    """Two checkpoints, of a text and of music."""
    (folder / name).mkdir()
    text, music = folder / name / "text.safetensors", folder / name / "music.safetensors"
    _materials.checkpoint(seed=len(name)).save(text)
    tokenizer, random = Tokenizer(Midi(MidiOptions()), "midi"), np.random.default_rng(len(name))
    cell, shape = registry.load("cells", "lstm")(), ModelSettings(hidden=8, layers=1)
    shapes = weight_shapes(cell, shape, tokenizer.vocab_size)
    weights = {name: random.normal(0, 0.3, wanted).astype(np.float32) for name, wanted in shapes.items()}
    Checkpoint("lstm", cell, shape, tokenizer, weights, {}, {}, {"corpus": "none"}).save(music)
    return text, music


def _suffix(model: Path) -> str:
    return ".mid" if model.stem == "music" else ".txt"  # the check made the models and their names


def _made(model: Path, seed: int, file: Path) -> None:
    _done("generate", model, "-l", 40, "--seed", seed, "-o", file.with_suffix(_suffix(model)))


def _done(*arguments: object) -> None:
    code, said = _materials.call(*arguments)
    if code:
        raise RuntimeError(said)


def _exported(folder: Path) -> _exports.Lines:
    """All takes of the list, as an export has them."""
    _done("takes", "export", "--all", "-o", folder / "export.jsonl")
    return [json.loads(line) for line in (folder / "export.jsonl").read_bytes().splitlines()]


def _table() -> _exports.Lines:
    """What `seqgen takes list` says."""
    from seqgen.cli import run as command

    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        command(["takes", "list", "--all", "--json"])
    found: _exports.Lines = json.loads(out.getvalue())
    return found


def _rows() -> Rows:
    """All rows of the list, read past seqgen."""
    with contextlib.closing(sqlite3.connect(os.environ["SEQGEN_TAKES"])) as base:
        return {name: base.execute(f"SELECT * FROM {name}").fetchall() for name in ("sources", "takes", "chunks")}


@contextlib.contextmanager
def _list_at(path: Path) -> Iterator[None]:
    before = os.environ.get("SEQGEN_TAKES")
    os.environ["SEQGEN_TAKES"] = str(path)
    try:
        yield
    finally:
        if before is None:
            del os.environ["SEQGEN_TAKES"]
        else:
            os.environ["SEQGEN_TAKES"] = before
