"""The music lines of ABC: how signs are spelt. Hands each sign to the voice that is being written.

Source: the ABC music standard 2.1 (2011), section 4; of older usage what folk tune books are full of.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from seqgen.music.faults import Faults
from seqgen.music.notation.abc.fields import ACCIDENTALS
from seqgen.music.notation.abc.voice import Ratio, Voice
from seqgen.music.notation.bars import DYNAMICS, MAX_PASSES, ending_numbers

_LENGTH = r"\d{0,6}/{0,8}\d{0,6}"
_TOKEN = re.compile(
    rf"(?P<note>(?P<accidental>\^\^|__|[_=^])?(?P<step>[A-Ga-g])(?P<octave>[,']*)(?P<length>{_LENGTH}))"
    rf"|(?P<rest>[zx]{_LENGTH})"
    r"|(?P<space>[\s`\\$]+|y\d*)"
    r"|(?P<bar>(?::{0,8}\|[|\]:]{0,8}|:{2,8}|\[\|[|\]:]{0,8})(?:\s*\[?\d[\d,.-]*)?)"
    r"|(?P<inline>\[[A-Za-z]:[^\]]{0,200}\])"
    r"|(?P<ending>\[\s*\d[\d,.-]*)"
    r"|(?P<broken><+|>+)"
    r"|(?P<tuplet>\(\d(?::\d?)?(?::\d{0,2})?)"
    r"|(?P<slur>[().])"
    r"|(?P<grace>\{/?)"
    r"|(?P<main>\})"
    r"|(?P<tie>-)"
    r'|(?P<text>"[^"]*")'
    r"|(?P<mark>![A-Za-z0-9.+<>()/:'-]{1,24}!|\+[A-Za-z0-9.]{1,24}\+)"
    r"|(?P<chord>\[)"
    rf"|(?P<close>\]{_LENGTH})"
    r"|(?P<bars>[ZX]\d{0,4})"
    r"|(?P<decoration>[~H-Wh-w])"
    r"|(?P<overlay>&)"
)
# Colons that end a repeat, lines, colons that begin one. Those after a line belong to it, but not to one that closes a
# section where a line follows: [|]:| is [|] and :|.
_SIGNS = re.compile(r"(:*+)(\[\|\]|\[\||\|++\]?|\]|(?<=:))((?<!\]):*+|:*+(?!\|))")
_PARTS = re.compile(r"(\d*)(/*)(\d*)")
_JUMPS = ("d.c", "d.s", "dacapo", "dacoda", "fine", "coda", "segno", "tocoda")
# Of a tuplet of so many notes, in the time of how many; 0: three in compound meters, else two.
_TIMES = {1: 1, 2: 3, 3: 2, 4: 3, 5: 0, 6: 2, 7: 0, 8: 3, 9: 0}


def read_music(
    text: str, offset: int, voice: Voice, set_field: Callable[[str, str, int], Voice], faults: Faults
) -> None:
    """Read one line of music.

    Args:
        text: The line, without its comment.
        offset: Where it begins in the file, for messages.
        voice: The voice it belongs to.
        set_field: Takes an inline field's letter, its text and its offset; returns the voice to go on with.
        faults: Where damage is told.

    Raises:
        MidiError: There are too many notes, or (when strict) a length or a pitch makes no sense.
    """
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            faults.mended("stray character")
            at += 1
            continue
        kind = match.lastgroup
        if kind == "note":
            _note(match, offset + at, voice, faults)
        elif kind == "inline":
            voice = set_field(match[0][1], match[0][3:-1], offset + at)
        elif kind == "bar":
            _bar(match[0], voice)
        elif kind not in ("space", "slur"):
            _sign(kind or "", match[0], offset + at, voice, faults)
        at = match.end()


def _note(match: re.Match[str], offset: int, voice: Voice, faults: Faults) -> None:
    step, marks, accidental = match["step"], match["octave"], match["accidental"]
    octave = (5 if step.islower() else 4) + marks.count("'") - marks.count(",")
    alter = None if accidental is None else ACCIDENTALS[accidental]
    if not voice.note(step.upper(), octave, alter, _length(match["length"])):
        faults.dropped("bad note", offset, f"note is {match[0][:40]!r}, expected a length and a pitch that make sense")


def _sign(kind: str, text: str, offset: int, voice: Voice, faults: Faults) -> None:
    """Any sign but notes, bar lines and fields."""
    if kind == "broken":
        voice.broken(min(len(text), 4) * (1 if text[0] == ">" else -1))
    elif kind == "tie":
        voice.tie()
    elif kind == "tuplet":
        _tuplet(text, voice)
    elif kind == "grace":
        voice.open_graces()
    elif kind == "main":
        voice.close_graces()
    elif kind == "chord":
        voice.open_chord()
    elif kind == "ending":
        voice.ending(_numbers(text))
    elif kind == "bars":
        voice.bars_of_rest(int(text[1:] or 1))
    elif kind == "overlay":
        voice.overlay()
    elif kind == "rest" and not voice.rest(_length(text[1:])):
        faults.dropped("bad rest", offset, f"rest is {text[:40]!r}, expected a length that makes sense")
    elif kind == "close" and not voice.close_chord(_length(text[1:])):
        faults.mended("empty chord")
    elif kind == "mark":
        _mark(text[1:-1].lower(), voice, faults)
    elif kind in ("text", "decoration"):
        faults.left_out("chord symbol or annotation" if kind == "text" else "decoration")


@lru_cache(4096)
def _length(text: str) -> Ratio:
    """`3`, `/`, `//`, `3/2`: a factor of the unit length."""
    above, slashes, below = _PARTS.findall(text)[0]
    power = len(slashes) - 1 if below else len(slashes)
    return int(above or 1), 2**power * int(below or 1) if slashes else 1


def _bar(text: str, voice: Voice) -> None:
    """Bar lines and repeat signs, one or several run together as in `:|]|:`."""
    sign = text.rstrip("0123456789,.-").rstrip().removesuffix("[") if text[-1] not in "|]:" else text
    for ends, line, begins in _SIGNS.findall(sign):
        passes = min(len(ends) + 1, MAX_PASSES) if ends and line else 2 if ends else 0
        closes = len(line) > 1
        voice.bar_line(passes, begins=bool(begins) or not line, closes=closes)
    if numbers := _numbers(text[len(sign) :]):
        voice.ending(numbers)


def _numbers(text: str) -> frozenset[int]:
    """The numbers of an ending: `1`, `1,3`, `1-3`."""
    numbers = set[int]()
    for first, last in re.findall(r"(\d{1,2})(?:-(\d{1,2}))?", text):
        numbers |= ending_numbers((*range(int(first), int(last or first) + 1),))
    return ending_numbers((*sorted(numbers),))


def _tuplet(text: str, voice: Voice) -> None:
    count, time, groups = ([int(part or 0) for part in text[1:].split(":")] + [0, 0])[:3]
    above, below = voice.settings.meter or (4, 4)
    compound = below >= 8 and above % 3 == 0
    time = time or _TIMES.get(count, 1) or (3 if compound else 2)
    voice.tuplet(max(count, 1), time, groups or count)


def _mark(name: str, voice: Voice, faults: Faults) -> None:
    if name in DYNAMICS:
        voice.set(velocity=DYNAMICS[name])
    else:
        faults.left_out("jump" if name.startswith(_JUMPS) else "decoration")
