"""What single texts in MusicXML mean: numbers, tempos, meters, loudness, instruments. Knows nothing of time or place.

Source: MusicXML 4.0 (W3C Community Group, 2021), element reference.
"""

import re

from seqgen.music.instruments import guess_program
from seqgen.music.notation.musicxml.parse import Fields, ParsedPart
from seqgen.music.score import DRUMS

DRUM_CHANNEL = 10
FORTE = 90  # the velocity that 100 in a `dynamics` attribute stands for

_UNITS = {  # quarter notes in a beat unit
    "breve": 8.0, "whole": 4.0, "half": 2.0, "quarter": 1.0, "eighth": 0.5, "16th": 0.25, "32nd": 0.125,
}  # fmt: skip
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def instrument(fields: Fields, part: ParsedPart) -> tuple[int, int | None]:
    """(program, pitch of an unpitched note or None) of one of a part's instruments.

    Program 1 (piano) is also what software writes where nobody chose: a part that is named otherwise goes by its name.
    """
    unpitched = whole(fields.get("midi-unpitched", ""))
    drum = unpitched - 1 if unpitched is not None and 1 <= unpitched <= 128 else None
    if fields.get("midi-channel") == str(DRUM_CHANNEL):
        return DRUMS, drum
    program = whole(fields.get("midi-program", ""))
    if program is not None and 2 <= program <= 128:
        return program - 1, drum
    return guess_program(part.fields.get("part-name", "") or fields.get("instrument-name", "")), drum


def tempo(fields: Fields) -> int | None:
    """Microseconds a quarter note; None where none is given, 0 where it makes no sense."""
    quarters = 0.0
    if "sound@tempo" in fields:
        match = _NUMBER.search(fields["sound@tempo"])
        quarters = float(match[0]) if match else 0.0
    elif "per-minute" in fields:
        match = _NUMBER.search(fields["per-minute"])
        unit = _UNITS.get(fields.get("beat-unit", ""), 0.0) * (2 - 0.5 ** len(fields.get("beat-unit-dot", "")))
        quarters = float(match[0]) * unit if match else 0.0
    else:
        return None
    return round(60_000_000 / quarters) if 4 <= quarters <= 2000 else 0


def meter(fields: Fields) -> tuple[int, int] | None:
    """(numerator, denominator); the parts of 3+2 over 8, or of 3/4 and 2/8, are added up."""
    unders = [whole(text) or 0 for text in fields.get("beat-type", "").split(";")]
    overs = [_added(text) for text in fields["beats"].split(";")]
    if len(overs) != len(unders) or not all(under in (1, 2, 4, 8, 16, 32, 64) for under in unders):
        return None
    below = max(unders)
    above = sum(over * below // under for over, under in zip(overs, unders))
    return (above, below) if all(over > 0 for over in overs) and above <= 64 else None


def _added(text: str) -> int:
    """The sum of a numerator such as 3+2; 0 where it makes no sense."""
    beats = [whole(part) or 0 for part in text.split("+")]
    return sum(beats) if min(beats) > 0 else 0


def velocity(percent: str) -> int | None:
    """The velocity that a `dynamics` attribute means: a percentage of FORTE."""
    match = _NUMBER.fullmatch(percent.strip())
    return max(1, round(min(127.0, float(match[0]) * FORTE / 100))) if match else None


def number(text: str) -> float | int | None:
    """A number, whole where it can be; None where it is none. May be infinite."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if value.is_integer() else value


def whole(text: str) -> int | None:
    """A whole number, also where it is written 2.0; None where it is none."""
    value = number(text)
    return value if isinstance(value, int) else None
