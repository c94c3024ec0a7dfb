"""Claim: what is printed is the music: `-o x.musicxml` and `-o x.abc`, read by others, have the same notes and bars.

    python benchmarks/notation.py bach-chorales folk-tunes classical-styles freedoom openmsx [--most 40]
    python benchmarks/notation.py --models bach-chorales folk-tunes --samples 40

Each piece goes through `midi_bar`, as `seqgen decode` has it; samples are drawn by `seqgen generate`. The MIDI file
that comes of it, read by mido, is what was meant: its notes as (onset, pitch, length) in 24ths of a quarter note
whatever their part (drums have no length), its bar lines by its time signatures, its tracks that sound. Beside it stand

- MusicXML, read by music21, which is installed into an environment of its own (--environment FOLDER keeps it there).
  It does not say which drum is struck, so drums are compared by their places on the staff;
- ABC, made MIDI by `abc2midi` (Debian package abcmidi) and read by mido; see `_heard.of_abc` for its bars.

F1 counts a note as found where onset, pitch and length are equal. An upbeat may be printed in the meter that follows.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from seqgen import registry
from seqgen.errors import SeqgenError
from seqgen.music.convert import converted
from seqgen.music.read import documents
from seqgen.report import Report
from seqgen.tokenization.sources import resolve

import _heard  # isort: skip
from _report import print_table, write_json  # isort: skip

WAYS = ("MusicXML, music21", "ABC, abc2midi")


def f1(meant: Counter[_heard.Note], read: Counter[_heard.Note]) -> float:
    """1 where both hold the same."""
    return 2 * (meant & read).total() / (meant.total() + read.total())


def pieces(corpus: str, most: int) -> list[bytes]:
    """The first documents of a corpus in a random order, through `midi_bar` as MIDI files."""
    kind = registry.load("codecs", "midi_bar")
    codec = kind(kind.Options())
    found = [piece for source in resolve([corpus], lambda text: None) for piece in documents(source.path.read_bytes())]
    random.Random(1).shuffle(found)
    made = list[bytes]()
    for data in found[:most]:
        try:
            made.append(codec.decode(codec.encode(data, Report())))
        except SeqgenError as error:
            print(f"{corpus}: {error.message}")
    return made


def samples(model: str, count: int, seed: int) -> list[bytes]:
    """The MIDI files that the command line makes."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-P", "-m", "seqgen", "generate", model, "-n", str(count), "--seed", str(seed)]
        done = subprocess.run([*command, "--no-take", "--json", "-o", f"{folder}/"], capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        return [Path(json.loads(line)["path"]).read_bytes() for line in done.stdout.splitlines()]


def measure(name: str, midi: list[bytes], python: str) -> dict[str, Any]:
    """All numbers of one corpus or model."""
    heard = {f"{number:05}": _heard.of_midi(data) for number, data in enumerate(midi)}
    meant = {number: each for number, each in heard.items() if each.notes}
    printed = {number: converted(midi[int(number)], ".musicxml") for number in meant}
    by_music21 = _heard.of_musicxml(python, printed)
    by_abc2midi = {number: _heard.of_abc(converted(midi[int(number)], ".abc"), each) for number, each in meant.items()}
    found = {
        WAYS[0]: {number: compared(each.on_staff(), by_music21[number]) for number, each in meant.items()},
        WAYS[1]: {number: compared(each, by_abc2midi[number]) for number, each in meant.items()},
    }
    counts = {"pieces": len(meant), "notes": sum(each.notes.total() for each in meant.values())}
    return counts | {way: summary(f"{name}, {way}", rows) for way, rows in found.items()}


def compared(meant: _heard.Heard, read: _heard.Heard) -> dict[str, float]:
    """One piece: F1 of notes, and whether bars and parts are the same."""
    bars = read.with_upbeat().bars == meant.with_upbeat().bars and read.end == meant.end
    return {"f1": f1(meant.notes, read.notes), "bars": int(bars), "parts": int(read.parts == meant.parts)}


def summary(name: str, rows: dict[str, dict[str, float]]) -> dict[str, Any]:
    """Over the pieces; those that are not equal are named."""
    for number, row in rows.items():
        if min(row.values()) < 1:
            print(f"{name}, piece {int(number)}: {row}")
    notes = [row["f1"] for row in rows.values()]
    equal = {key: sum(int(row[key] == 1) for row in rows.values()) for key in ("f1", "bars", "parts")}
    spread = {"mean_f1": round(float(np.mean(notes)), 5), "least_f1": round(min(notes), 5)}
    return spread | {"same_notes": equal["f1"], "same_bars": equal["bars"], "same_parts": equal["parts"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", nargs="*")
    parser.add_argument("--most", type=int, default=40, help="pieces of each corpus")
    parser.add_argument("--models", nargs="+", default=[], metavar="MODEL")
    parser.add_argument("--samples", type=int, default=40, help="of each model")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--environment", type=Path, help="where the one with music21 lies, or will lie")
    parser.add_argument("--no-json", action="store_true", help="leave no result file")
    given = parser.parse_args()
    if not given.corpora and not given.models:
        parser.error("name a corpus, or --models")
    versions = {"music21": _heard.MUSIC21.partition("==")[2], "abc2midi": _heard.version_of_abc2midi()}
    with tempfile.TemporaryDirectory() as folder:
        python = _heard.environment((given.environment or Path(folder) / "environment").resolve())
        sources = {corpus: pieces(corpus, given.most) for corpus in given.corpora}
        drawn = {Path(model).name: samples(model, given.samples, given.seed) for model in given.models}
        sources |= {f"samples of {name}": made for name, made in drawn.items()}
        results = {name: measure(name, midi, python) for name, midi in sources.items()}
    header = ("from, to", "pieces", "notes", "mean F1", "least", "same notes", "same bars", "same parts")
    print_table(
        header,
        [
            [f"{name}, {way}", one["pieces"], one["notes"], *one[way].values()]
            for name, one in results.items()
            for way in WAYS
        ],
    )
    if not given.no_json:
        kept = {"most": given.most, "samples": given.samples, "seed": given.seed, **versions}
        print(f"\nwritten: {write_json('notation', results, kept)}")


if __name__ == "__main__":
    main()
