"""What is in a file of music, as plain data: for `seqgen inspect`. Knows no printing."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from seqgen import registry
from seqgen.codecs.midi.encoding import encode_score
from seqgen.errors import MidiError
from seqgen.music import programs
from seqgen.music.chunks import is_midi, read_chunks
from seqgen.music.faults import Faults
from seqgen.music.read import documents, is_musicxml, read_score
from seqgen.music.score import DRUMS, Score
from seqgen.report import Report

CODECS = ("midi", "midi_bar", "midi_388", "midi_grid")


def describe(data: bytes) -> dict[str, Any]:
    """A file of music in numbers.

    Returns:
        JSON data: `kind` "midi", `format` ("midi type 1", "musicxml", "abc"), `title`, `seconds`, `notes`,
        `instruments` (name → notes, most notes first), `tempo` ({"slowest", "fastest"} in quarter notes a minute, as
        far as it sounds), `meters` (such as "4/4", in their order), `pitches` ({"lowest", "highest"} of what is not
        percussion, or None), `tokens` of the performance codec, and `report` of what reading and encoding drop or
        repair, and `codecs`: what each codec would do to it, see `through`.

    Raises:
        MidiError: The file cannot be read even with repairs.
    """
    report = Report()
    score = read_score(data, report)
    tokens = len(encode_score(score, Faults(report)))
    pitched = score.pitch[score.program != DRUMS]
    return {
        "kind": "midi",
        "format": _format(data),
        "title": score.title,
        "seconds": round(score.duration_seconds, 3),
        "notes": len(score),
        "instruments": _instruments(score),
        "tempo": _tempo(score),
        "meters": list(dict.fromkeys(f"{over}/{under}" for over, under in score.meter.tolist())),
        "pitches": {"lowest": int(pitched.min()), "highest": int(pitched.max())} if len(pitched) else None,
        "tokens": tokens,
        "report": report.to_json(),
        "codecs": {name: through(score, name) for name in CODECS},
    }


def through(score: Score, name: str) -> dict[str, Any]:
    """What a codec would make of a score, the pedal of which is folded into its notes.

    Returns:
        JSON data: `tokens`; `notes` that come back; `dropped` and `repaired`, counts by kind; and `onset_ms` or
        `onset_quarters`, the largest error of an onset, where no note is lost and no time cut.
    """
    report = Report()
    kind = registry.load("codecs", name)
    codec = kind(kind.Options())
    try:
        ids = codec.of_score(score, Faults(report))
    except MidiError as error:
        return {"refused": error.message}
    back = codec.score(ids)
    counts = report.to_json()
    return {
        "tokens": len(ids),
        "notes": len(back),
        "dropped": counts["dropped"],
        "repaired": counts["repaired"],
        **_moved(score, back, name),
    }


def _moved(before: Score, after: Score, name: str) -> dict[str, float]:
    """The largest error of an onset in the unit that the codec counts in; nothing where notes or time are lost."""
    if len(before) != len(after) or len(before) == 0:
        return {}
    if name == "midi_bar":
        error = np.sort(after.onset) / after.ticks_per_quarter - np.sort(before.onset) / before.ticks_per_quarter
        return {"onset_quarters": round(float(np.abs(error).max()), 4)} if np.abs(error).max() < 1 else {}
    error = np.sort(after.seconds(after.onset)) - np.sort(before.seconds(before.onset))
    return {"onset_ms": round(float(np.abs(error).max()) * 1000, 1)} if np.abs(error).max() < 1 else {}


def describe_folder(files: Iterable[tuple[str, bytes]]) -> dict[str, Any]:
    """Files of music together: how many can be read, what is in them, and what each codec would do to them.

    Args:
        files: (name, bytes) of each.

    Returns:
        JSON data: `files`, `refused` (name → reason), `pieces`, `seconds`, `notes`, `instruments`, `report`, and
        `codecs`: name → `tokens`, `notes`, `dropped`, `repaired`, `refused` summed over all pieces.
    """
    report = Report()
    refused: dict[str, str] = {}
    instruments: Counter[str] = Counter()
    sums = {"files": 0, "pieces": 0, "notes": 0}
    seconds = 0.0
    codecs: dict[str, dict[str, Any]] = {name: {"tokens": 0, "notes": 0, "refused": 0} for name in CODECS}
    for name, data in files:
        sums["files"] += 1
        try:
            scores = [read_score(piece, report) for piece in documents(data)]
        except MidiError as error:
            refused[name] = error.message
            continue
        for score in scores:
            sums["pieces"] += 1
            sums["notes"] += len(score)
            seconds += score.duration_seconds
            instruments.update(_instruments(score))
            for codec, found in codecs.items():
                _add(found, through(score, codec))
    return {
        "kind": "music folder",
        **sums,
        "seconds": round(seconds, 3),
        "refused": refused,
        "instruments": dict(instruments.most_common()),
        "report": report.to_json(),
        "codecs": codecs,
    }


def _add(total: dict[str, Any], found: dict[str, Any]) -> None:
    total["refused"] += int("refused" in found)
    for key in ("tokens", "notes"):
        total[key] += found.get(key, 0)
    for key in ("dropped", "repaired"):
        total[key] = dict(Counter(total.get(key, {})) + Counter(found.get(key, {})))


def _format(data: bytes) -> str:
    if is_midi(data):
        return f"midi type {read_chunks(data, Faults(Report())).format}"
    return "musicxml" if is_musicxml(data) else "abc"


def _instruments(score: Score) -> dict[str, int]:
    counts = Counter(score.program.tolist())
    return {programs.name(program): count for program, count in counts.most_common()}


def _tempo(score: Score) -> dict[str, float]:
    """The slowest and the fastest tempo before the last note ends."""
    end = int((score.onset + score.duration).max(initial=1))
    tempo = score.tempo[score.tempo_tick < end]
    return {"slowest": round(6e7 / float(np.max(tempo)), 2), "fastest": round(6e7 / float(np.min(tempo)), 2)}
