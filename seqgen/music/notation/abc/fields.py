"""What the fields of ABC say: keys and modes, meters, note lengths, tempos. Knows nothing of notes.

Source: the ABC music standard 2.1 (2011), sections 3.1.6 (M:), 3.1.7 (L:), 3.1.8 (Q:), 3.1.14 (K:), 10.2 (old tempos).
"""

import re
from fractions import Fraction

Key = dict[str, int]  # letter A–G → semitones; letters without an accidental are absent

_FIFTHS = {"F": -1, "C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5}
_MODES = {"maj": 0, "ion": 0, "lyd": 1, "mix": -1, "dor": -2, "min": -3, "aeo": -3, "phr": -4, "loc": -5}
_SHARPS = "FCGDAEB"  # the order in which sharps come; flats come in the reverse order
_PIPES = {"F": 1, "C": 1}  # the highland bagpipes: K:HP and K:Hp
_KEY = re.compile(r"([A-G])([#b♯♭]?)\s*([A-Za-z]*)")
_CHANGE = re.compile(r"(\^\^|__|[_=^])([A-Ga-g])(?![A-Za-z])")
_FRACTION = re.compile(r"(\d{1,4})\s*/\s*(\d{1,4})")
_METER = re.compile(r"\(?\s*+(\d{1,3}(?:\s*+\+\s*+\d{1,3})*+)\s*+\)?\s*+/\s*+(\d{1,3})")
_TEMPO = re.compile(r"=\s*(\d+(?:\.\d+)?)")
_BARE_TEMPO = re.compile(r"\s*(\d+(?:\.\d+)?)\s*$")
_SHIFT = re.compile(r"(?:^|\s)(transpose|octave)=\s*(-?\d{1,2})(?!\d)")
_CLEF = re.compile(
    r"(?:^|\s)(?:clef=\s*|(?=[a-z]))\"?(?:treble|tenor|alto|bass|soprano|mezzosoprano|baritone|perc|none|[GCF])?\d?"
    r"(?:([-+^_])(8|15))?\"?(?=\s|$)"
)
_NAME = re.compile(r"(?:^|\s)(?:name|nm)=\s*(?:\"([^\"]*)\"|(\S+))")
_DIRECTIVE = re.compile(r"MIDI\s*+=?+\s*+(program|channel|transpose)\s++(?:(\d{1,3})\s++)?(-?\d{1,3})(?=\s|%|$)")
ACCIDENTALS = {"^^": 2, "^": 1, "=": 0, "_": -1, "__": -2, "": 0}


def key_signature(text: str) -> tuple[Key | None, bool]:
    """(key, whether it was understood): `Dmix`, `F#m`, `E Minor`, `HP`, `none`, `A ^g`, `D exp _b`.

    The key is None where the field says something else, such as a clef.
    """
    text = text.strip()
    if text[:2].upper() == "HP":
        return dict(_PIPES), True
    match = _KEY.match(text)
    if match is None:
        if re.match(r"[a-z]+=", text):
            return None, True
        return _changed({}, text), not text or text[:4].lower() == "none" or text[0] in "_^="
    tonic, accidental, word = match.groups()
    mode, known = _mode(word)
    fifths = _FIFTHS[tonic] + {"#": 7, "♯": 7, "b": -7, "♭": -7}.get(accidental, 0) + mode
    key = {} if word[:3].lower() == "exp" else _signature(fifths)
    return _changed(key, text[match.end() :]), known


def _mode(word: str) -> tuple[int, bool]:
    """(fifths from major, whether the word is known). Only three letters count; a lone m is minor, a lone M major."""
    lower = word.lower()
    if lower[:3] in _MODES:
        return _MODES[lower[:3]], True
    if word == "m":
        return -3, True
    return 0, word in ("", "M") or lower in ("exp", "clef", "treble", "bass", "alto", "tenor", "perc", "octave")


def _signature(fifths: int) -> Key:
    key: Key = {}
    for index in range(abs(fifths)):
        letter = _SHARPS[index % 7] if fifths > 0 else _SHARPS[-1 - index % 7]
        key[letter] = key.get(letter, 0) + (1 if fifths > 0 else -1)
    return key


def _changed(key: Key, text: str) -> Key:
    """The key with accidentals that stand after its mode: `D ^g`, `Dmix=c`."""
    for accidental, letter in _CHANGE.findall(text):
        key[letter.upper()] = ACCIDENTALS[accidental]
    return key


def transposition(text: str) -> int | None:
    """The semitones that a voice or a key carries with it: `transpose=-2`, `octave=1`, a clef such as `treble-8`.

    None where it says nothing of that.
    """
    said = dict(_SHIFT.findall(text))
    clef = _CLEF.search(text)
    if not said and not clef:
        return None
    octaves = int(said.get("octave", 0))  # says it instead of the clef
    if clef and clef[1] and "octave" not in said:
        octaves = (1 if clef[2] == "8" else 2) * (1 if clef[1] in "+^" else -1)
    return int(said.get("transpose", 0)) + 12 * octaves


def voice_name(text: str) -> str:
    """What a V: field calls its voice by `name=` or `nm=`; "" where it does not."""
    match = _NAME.search(text)
    return (match[1] or match[2] or "") if match else ""


def directive(text: str) -> tuple[str, int, int | None] | None:
    """(name, value, channel) of a MIDI directive that changes how notes sound; None for any other."""
    match = _DIRECTIVE.match(text)
    return (match[1], int(match[3]), int(match[2]) if match[2] else None) if match else None


def meter(text: str) -> tuple[int, int] | None:
    """(numerator, denominator); None for free meter and for what makes no sense."""
    text = text.strip()
    if text.startswith("C|"):
        return 2, 2
    if text.startswith("C"):
        return 4, 4
    match = _METER.match(text)
    if match is None:
        return None
    above = sum(int(part) for part in match[1].split("+"))
    below = int(match[2])
    return (above, below) if 1 <= above <= 64 and below in (1, 2, 4, 8, 16, 32, 64) else None


def unit_length(text: str) -> Fraction | None:
    """The length of a note without a number, in whole notes; None where it makes no sense."""
    text = text.strip()
    match = _FRACTION.match(text)
    if match is None:
        return Fraction(1) if text[:1] == "1" and not text[1:2].isdigit() else None
    above, below = int(match[1]), int(match[2])
    return Fraction(above, below) if 1 <= above <= 64 and 1 <= below <= 512 else None


def default_unit(of: tuple[int, int] | None) -> Fraction:
    """The unit length where there is no L: field: a sixteenth in meters below 3/4."""
    return Fraction(1, 16) if of is not None and Fraction(*of) < Fraction(3, 4) else Fraction(1, 8)


def tempo(text: str, unit: Fraction) -> int | None:
    """Microseconds a quarter note; None where only words are given, or what makes no sense.

    A number alone (`Q:120`, of old files) is taken as quarter notes a minute; `C=120` counts unit lengths.
    """
    text = re.sub(r'"[^"]*"', " ", text)
    match = _TEMPO.search(text)
    if match:
        before = text[: match.start()]
        beat = sum((Fraction(int(a), int(b)) for a, b in _FRACTION.findall(before) if int(b)), Fraction(0))
        counted = re.match(r"\s*C(\d?)", before)
        if not beat and counted:
            beat = unit * int(counted[1] or 1)
    else:
        match, beat = _BARE_TEMPO.match(text), Fraction(1, 4)
    if match is None or not beat:
        return None
    quarters = float(match[1]) * float(beat) * 4
    return round(60_000_000 / quarters) if 4 <= quarters <= 2000 else None
