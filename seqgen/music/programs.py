"""The General MIDI programs by name and family. Source: General MIDI System Level 1 (MMA, 1991), p. 4–5."""

import difflib

from seqgen.errors import UsageError
from seqgen.music.score import DRUMS
from seqgen.registry import LONGEST

FAMILIES = (
    "piano", "chromatic percussion", "organ", "guitar", "bass", "strings", "ensemble", "brass",
    "reed", "pipe", "synth lead", "synth pad", "synth effects", "world", "percussive", "sound effects",
)  # fmt: skip

NAMES = (
    "grand piano", "bright piano", "electric grand", "honky-tonk piano", "electric piano 1", "electric piano 2",
    "harpsichord", "clavinet",
    "celesta", "glockenspiel", "music box", "vibraphone", "marimba", "xylophone", "tubular bells", "dulcimer",
    "drawbar organ", "percussive organ", "rock organ", "church organ", "reed organ", "accordion", "harmonica",
    "tango accordion",
    "nylon guitar", "steel guitar", "jazz guitar", "clean guitar", "muted guitar", "overdriven guitar",
    "distortion guitar", "guitar harmonics",
    "acoustic bass", "fingered bass", "picked bass", "fretless bass", "slap bass 1", "slap bass 2", "synth bass 1",
    "synth bass 2",
    "violin", "viola", "cello", "contrabass", "tremolo strings", "pizzicato strings", "harp", "timpani",
    "string ensemble 1", "string ensemble 2", "synth strings 1", "synth strings 2", "choir aahs", "voice oohs",
    "synth voice", "orchestra hit",
    "trumpet", "trombone", "tuba", "muted trumpet", "french horn", "brass section", "synth brass 1", "synth brass 2",
    "soprano sax", "alto sax", "tenor sax", "baritone sax", "oboe", "english horn", "bassoon", "clarinet",
    "piccolo", "flute", "recorder", "pan flute", "blown bottle", "shakuhachi", "whistle", "ocarina",
    "square lead", "saw lead", "calliope lead", "chiff lead", "charang lead", "voice lead", "fifths lead", "bass lead",
    "new age pad", "warm pad", "polysynth pad", "choir pad", "bowed pad", "metallic pad", "halo pad", "sweep pad",
    "rain", "soundtrack", "crystal", "atmosphere", "brightness", "goblins", "echoes", "sci-fi",
    "sitar", "banjo", "shamisen", "koto", "kalimba", "bagpipe", "fiddle", "shanai",
    "tinkle bell", "agogo", "steel drums", "woodblock", "taiko", "melodic tom", "synth drum", "reverse cymbal",
    "fret noise", "breath noise", "seashore", "bird tweet", "telephone", "helicopter", "applause", "gunshot",
)  # fmt: skip

DRUMS_NAME = "drums"


def name(program: int) -> str:
    """The name of a program in [0, 127], or of DRUMS."""
    return DRUMS_NAME if program == DRUMS else NAMES[program]


def family(program: int) -> str:
    """The family of a program in [0, 127]: eight programs each."""
    return DRUMS_NAME if program == DRUMS else FAMILIES[program // 8]


def find(text: str) -> tuple[int, ...]:
    """The programs that a word stands for: a program's name, a family's, a number from 0 to 127, or "drums".

    A family's name that is also a part of a program's name stands for the whole family.

    Raises:
        UsageError: There is no such instrument; the hint names the closest.
    """
    word = text.strip().lower()
    if word == DRUMS_NAME:
        return (DRUMS,)
    if len(word) <= 3 and word.isdecimal() and int(word) < 128:
        return (int(word),)
    if word in NAMES:
        return (NAMES.index(word),)
    if word in FAMILIES:
        first = 8 * FAMILIES.index(word)
        return tuple(range(first, first + 8))
    close = difflib.get_close_matches(word[:LONGEST], [*NAMES, *FAMILIES, DRUMS_NAME], n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else "expected a General MIDI name"
    raise UsageError(f"no instrument is called {text!r}", hint)
