"""Claim: music obeys. Length within 5 % with an ending in ≥ 95 of 100 pieces; instruments, key, scale, tempo in all.

    python benchmarks/midi_control.py CHECKPOINT … [--pieces 100] [--seed 1] [--only lengths forms controls]

CHECKPOINT is a model of codec `midi` or `midi_bar`. `seqgen generate` is run as a user runs it, and the files that it
writes are read back:

- length: a quarter of the pieces each with --seconds 30, --minutes 1, --bars 16, --bars 24 --tempo 90. Counted are
  those whose last note ends within 5 % of the length (in bars of the file's own meters where bars are asked for), those
  that ended by themselves (were not cut), and those with a final chord: what begins at the last onset belongs to one
  major or minor triad, its root below, and lasts half a second at least.
- forms (`midi_bar`): the same of --form aaba:8, --form corpus --bars 32, and --form aaba:4 --key G --tempo 90.
- key: the same with --key G, and with --key Am: no other notes than those of the scale, the last chord on the tonic.
- scale: --key D --scale dorian; tempo: --tempo 90, the file's only tempo, and onsets within 6 ms of twelfths of a
  quarter note (`midi_bar`: of 24ths).
- meter (`midi_bar`): --meter 6/8, the file's only meter.
- instruments: --instruments piano,bass,drums: no other sounds, and each of the three sounds.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqgen.api.model import load
from seqgen.music.controls import SCALES
from seqgen.music.programs import find
from seqgen.music.read import read_score
from seqgen.music.score import DRUMS, Score

from _report import print_table, write_json  # isort: skip

CLOSE = 0.05  # how far a length may be off
HELD = 0.5  # seconds that a final chord lasts
ON_TIME = 0.006  # seconds: half a step of the codec, and half a tick of the file
TRIADS = ((0, 4, 7), (0, 3, 7))
STEPS = {"midi": 12, "midi_bar": 24}  # of a quarter note
Check = Callable[[Score], bool]


def generated(checkpoint: str, options: list[str], pieces: int, seed: int) -> list[tuple[Score, bool]]:
    """The pieces that the command line makes, and whether each ended by itself."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-P", "-m", "seqgen", "generate", checkpoint, "-n", str(pieces), "--seed", str(seed)]
        command += [*options, "--no-take", "--json", "-o", f"{folder}/"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command)}\n{done.stderr}")
        records = [json.loads(line) for line in done.stdout.splitlines()]
        return [(read_score(Path(one["path"]).read_bytes()), one["finished"] == "end") for one in records]


def end_of(score: Score) -> float:
    """When the last note ends, in seconds."""
    return float(score.seconds(score.onset + score.duration).max(initial=0))


def bars_of(score: Score) -> float:
    """How many bars of its meters the score is long, to the end of its last note."""
    end = int((score.onset + score.duration).max(initial=0))
    edges = [*score.meter_tick[score.meter_tick < end].tolist(), end]
    over, under = score.meter[: len(edges) - 1].T
    return float((np.diff(edges) * under / (4 * over * score.ticks_per_quarter)).sum())


def bars_of_sections(score: Score) -> float:
    """The same without an upbeat, which stands before the first section."""
    over, under = score.meter[0].tolist()
    return bars_of(score) - (4 * over <= under)


LENGTHS: tuple[tuple[list[str], Callable[[Score], float], float], ...] = (
    (["--seconds", "30"], end_of, 30),
    (["--minutes", "1"], end_of, 60),
    (["--bars", "16"], bars_of, 16),
    (["--bars", "24", "--tempo", "90"], bars_of, 24),
)
FORMS: tuple[tuple[list[str], Callable[[Score], float], float], ...] = (
    (["--form", "aaba:8"], bars_of_sections, 32),
    (["--form", "corpus", "--bars", "32"], bars_of, 32),
    (["--form", "aaba:4", "--key", "G", "--tempo", "90"], bars_of_sections, 16),
)


def last_chord(score: Score) -> set[int]:
    """The pitch classes that begin at the last onset of a pitched note."""
    pitched = score.program != DRUMS
    last = score.onset[pitched].max(initial=0)
    return {int(pitch) % 12 for pitch in score.pitch[pitched & (score.onset == last)]}


def has_final_chord(score: Score) -> bool:
    """Whether the last onset sounds part of one triad, in root position, and long."""
    chord = score.pitch[(score.program != DRUMS) & (score.onset == score.onset.max(initial=0))]
    root = int(chord.min(initial=127))
    if len(chord) == 0 or not any(last_chord(score) <= {(root + step) % 12 for step in triad} for triad in TRIADS):
        return False
    held = score.seconds(score.onset + score.duration) - score.seconds(score.onset)
    return bool(held[score.onset == score.onset.max()].max() >= HELD)


def keeps_to(tonic: int, scale: str) -> Check:
    classes = {(tonic + step) % 12 for step in SCALES[scale]}
    return lambda score: {int(pitch) % 12 for pitch in score.pitch[score.program != DRUMS]} <= classes


def ends_on(tonic: int, minor: bool) -> Check:
    chord = {tonic, (tonic + (3 if minor else 4)) % 12, (tonic + 7) % 12}
    return lambda score: last_chord(score) <= chord


def on_time(steps: int) -> Check:
    """Whether the file says 90 beats a minute, and every onset lies on such a part of a beat."""
    unit = 60 / 90 / steps

    def check(score: Score) -> bool:
        onset = score.seconds(score.onset)
        off = np.abs(onset - np.rint(onset / unit) * unit).max(initial=0)
        return score.tempo.tolist() == [666_667] and float(off) <= ON_TIME

    return check


def sounds(*names: str) -> Check:
    asked = set().union(*(find(name) for name in names))
    return lambda score: set(score.program.tolist()) <= asked


def uses_all(*names: str) -> Check:
    return lambda score: all(set(score.program.tolist()) & set(find(name)) for name in names)


def lengths(checkpoint: str, pieces: int, seed: int) -> list[dict[str, Any]]:
    """How well lengths are kept."""
    return kept_lengths(LENGTHS, checkpoint, pieces, seed)


def forms(checkpoint: str, pieces: int, seed: int) -> list[dict[str, Any]]:
    """How well they are kept where bars come back."""
    return kept_lengths(FORMS if load(checkpoint).tokenizer.codec_name == "midi_bar" else (), checkpoint, pieces, seed)


def kept_lengths(
    wanted: Sequence[tuple[list[str], Callable[[Score], float], float]], checkpoint: str, pieces: int, seed: int
) -> list[dict[str, Any]]:
    """How well lengths are kept, of as many pieces each."""
    rows = []
    for options, length, asked in wanted:
        made = generated(checkpoint, options, pieces // len(LENGTHS), seed)
        off = [abs(length(score) / asked - 1) for score, _ in made]
        checks = {
            "within 5 %": sum(each <= CLOSE for each in off),
            "ended by itself": sum(ended for _, ended in made),
            "final chord": sum(has_final_chord(score) for score, _ in made),
        }
        rows += [row(options, name, count, len(made)) for name, count in checks.items()]
        rows[-3]["worst"] = round(max(off), 4)
        rows[-3]["all_three"] = sum(
            each <= CLOSE and ended and has_final_chord(score) for each, (score, ended) in zip(off, made)
        )
    return rows


def row(options: list[str], check: str, passed: int, pieces: int) -> dict[str, Any]:
    return {"asked": " ".join(options), "check": check, "passed": passed, "pieces": pieces}


def obeyed(checkpoint: str, pieces: int, seed: int) -> list[dict[str, Any]]:
    """How well everything else is kept."""
    trio = ("piano", "bass", "drums")
    codec = load(checkpoint).tokenizer.codec_name
    asked: list[tuple[list[str], dict[str, Check]]] = [
        (["--key", "G"], {"notes of the key": keeps_to(7, "major"), "ends on its chord": ends_on(7, False)}),
        (["--key", "Am"], {"notes of the key": keeps_to(9, "minor"), "ends on its chord": ends_on(9, True)}),
        (["--key", "D", "--scale", "dorian"], {"notes of the scale": keeps_to(2, "dorian")}),
        (["--tempo", "90"], {"tempo and its grid": on_time(STEPS[codec])}),
        (["--instruments", ",".join(trio)], {"no other sounds": sounds(*trio), "all three sound": uses_all(*trio)}),
    ]
    if codec == "midi_bar":
        asked.append((["--meter", "6/8"], {"no other meter": lambda score: score.meter.tolist() == [[6, 8]]}))
    rows = []
    for options, checks in asked:
        made = generated(checkpoint, [*options, "--seconds", "20"], pieces, seed)
        rows += [row(options, name, sum(check(score) for score, _ in made), pieces) for name, check in checks.items()]
    return rows


PARTS = {"lengths": lengths, "forms": forms, "controls": obeyed}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", nargs="+", metavar="CHECKPOINT")
    parser.add_argument("--pieces", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--no-json", action="store_true", help="leave no result file")
    given = parser.parse_args()
    results: dict[str, Any] = {}
    for checkpoint in given.checkpoints:
        began = time.perf_counter()
        found = [PARTS[part](checkpoint, given.pieces, given.seed) for part in given.only]
        rows = [row for part in found for row in part]
        results[Path(checkpoint).name] = {"checks": rows, "seconds": round(time.perf_counter() - began)}
        print(f"{Path(checkpoint).name}, codec {load(checkpoint).tokenizer.codec_name}")
        print_table(("asked", "check", "passed", "pieces"), [list(row.values())[:4] for row in rows])
        kept = sum(row.get("all_three", 0) for row in rows)
        total = sum(row["pieces"] for row in rows if "all_three" in row)
        print(f"within 5 % of the length, ended by itself and on a chord: {kept} of {total}\n", flush=True)
        if not given.no_json:
            print(f"written: {write_json('midi_control', results, {'pieces': given.pieces, 'seed': given.seed})}\n")


if __name__ == "__main__":
    main()
