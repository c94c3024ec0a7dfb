"""What is in a file of music, as plain data: for `seqgen inspect`. Knows no printing."""

from collections import Counter
from typing import Any

import numpy as np

from seqgen.codecs.midi import programs
from seqgen.codecs.midi.chunks import is_midi, read_chunks
from seqgen.codecs.midi.encoding import encode_score
from seqgen.codecs.midi.faults import Faults
from seqgen.codecs.midi.read import is_musicxml, read_score
from seqgen.codecs.midi.score import DRUMS, Score
from seqgen.report import Report


def describe(data: bytes) -> dict[str, Any]:
    """A file of music in numbers.

    Returns:
        JSON data: `kind` "midi", `format` ("midi type 1", "musicxml", "abc"), `title`, `seconds`, `notes`,
        `instruments` (name → notes, most notes first), `tempo` ({"slowest", "fastest"} in quarter notes a minute, as
        far as it sounds), `meters` (such as "4/4", in their order), `pitches` ({"lowest", "highest"} of what is not
        percussion, or None), `tokens` of the performance codec, and `report` of what reading and encoding drop or
        repair.

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
