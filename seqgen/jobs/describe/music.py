"""What is in a file of music, as plain data: for `seqgen inspect`. Knows no printing."""

from collections import Counter
from collections.abc import Iterable
from typing import TypedDict

import numpy as np

from seqgen import registry
from seqgen.codecs.midi.encoding import encode_score
from seqgen.errors import MidiError
from seqgen.music import programs
from seqgen.music.chunks import is_midi, read_chunks
from seqgen.music.faults import Faults
from seqgen.music.read import documents, is_musicxml, read_score
from seqgen.music.score import DRUMS, Score
from seqgen.report import Report, ReportRecord

CODECS = ("midi", "midi_bar", "midi_388", "midi_grid")


class InCodec(TypedDict, total=False):
    """What a codec makes of music: of a piece that it refuses, `refused` says why; of a folder, how many it refuses."""

    tokens: int
    notes: int  # that come back
    refused: str | int
    dropped: dict[str, int]
    repaired: dict[str, int]
    onset_ms: float  # the largest error of an onset, where no note is lost and no time cut
    onset_quarters: float


class MusicFacts(TypedDict):
    """A file of music in numbers."""

    kind: str
    format: str  # midi type 1, musicxml, abc
    title: str
    seconds: float
    notes: int
    instruments: dict[str, int]  # notes of each, most first
    tempo: dict[str, float]  # "slowest" and "fastest", in quarter notes a minute, as far as it sounds
    meters: list[str]
    pitches: dict[str, int] | None  # "lowest" and "highest" of what is not percussion
    tokens: int  # of the performance codec
    report: ReportRecord
    codecs: dict[str, InCodec]


class FolderFacts(TypedDict):
    """Files of music together; `codecs` are summed over all pieces."""

    kind: str
    files: int
    pieces: int
    notes: int
    seconds: float
    refused: dict[str, str]  # name → reason
    instruments: dict[str, int]
    report: ReportRecord
    codecs: dict[str, InCodec]


def describe(data: bytes) -> MusicFacts:
    """A file of music in numbers, as plain JSON data.

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


def through(score: Score, name: str) -> InCodec:
    """What a codec would make of a score, the pedal of which is folded into its notes."""
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


def _moved(before: Score, after: Score, name: str) -> InCodec:
    """The largest error of an onset in the unit that the codec counts in; nothing where notes or time are lost."""
    if len(before) != len(after) or len(before) == 0:
        return {}
    if name == "midi_bar":
        error = np.sort(after.onset) / after.ticks_per_quarter - np.sort(before.onset) / before.ticks_per_quarter
        return {"onset_quarters": round(float(np.abs(error).max()), 4)} if np.abs(error).max() < 1 else {}
    error = np.sort(after.seconds(after.onset)) - np.sort(before.seconds(before.onset))
    return {"onset_ms": round(float(np.abs(error).max()) * 1000, 1)} if np.abs(error).max() < 1 else {}


def describe_folder(files: Iterable[tuple[str, bytes]]) -> FolderFacts:
    """Files of music together: how many can be read, what is in them, and what each codec would do to them.

    Args:
        files: (name, bytes) of each.
    """
    report = Report()
    refused: dict[str, str] = {}
    instruments: Counter[str] = Counter()
    read = pieces = notes = 0
    seconds = 0.0
    codecs: dict[str, InCodec] = {name: {"tokens": 0, "notes": 0, "refused": 0} for name in CODECS}
    for name, data in files:
        read += 1
        try:
            scores = [read_score(piece, report) for piece in documents(data)]
        except MidiError as error:
            refused[name] = error.message
            continue
        for score in scores:
            pieces += 1
            notes += len(score)
            seconds += score.duration_seconds
            instruments.update(_instruments(score))
            for codec, found in codecs.items():
                codecs[codec] = _sum(found, through(score, codec))
    return {
        "kind": "music folder",
        "files": read,
        "pieces": pieces,
        "notes": notes,
        "seconds": round(seconds, 3),
        "refused": refused,
        "instruments": dict(instruments.most_common()),
        "report": report.to_json(),
        "codecs": codecs,
    }


def _sum(total: InCodec, found: InCodec) -> InCodec:
    return {
        "tokens": total["tokens"] + found.get("tokens", 0),
        "notes": total["notes"] + found.get("notes", 0),
        "refused": int(total["refused"]) + int("refused" in found),
        "dropped": dict(Counter(total.get("dropped", {})) + Counter(found.get("dropped", {}))),
        "repaired": dict(Counter(total.get("repaired", {})) + Counter(found.get("repaired", {}))),
    }


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
