"""What a piece of music may be asked to keep to: instruments, a key, a tempo, a density, a length. Knows no tokens."""

from dataclasses import dataclass

from seqgen.errors import UsageError
from seqgen.music import programs
from seqgen.music.form import Form
from seqgen.music.score import DRUMS
from seqgen.registry import nearest

LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10), "harmonic-minor": (0, 2, 3, 5, 7, 8, 11),
    "melodic-minor": (0, 2, 3, 5, 7, 9, 11), "dorian": (0, 2, 3, 5, 7, 9, 10), "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11), "mixolydian": (0, 2, 4, 5, 7, 9, 10), "locrian": (0, 1, 3, 5, 6, 8, 10),
    "major-pentatonic": (0, 2, 4, 7, 9), "minor-pentatonic": (0, 3, 5, 7, 10), "blues": (0, 3, 5, 6, 7, 10),
    "whole-tone": (0, 2, 4, 6, 8, 10), "octatonic": (0, 1, 3, 4, 6, 7, 9, 10), "chromatic": tuple(range(12)),
}  # fmt: skip
KEYS = [letter + sign + mode for mode in ("", "m") for letter in LETTERS for sign in ("", "#", "b")]


@dataclass(frozen=True)
class Controls:
    """What a piece keeps to; None: as it likes.

    Attributes:
        programs: What may sound: General MIDI programs, and DRUMS.
        scale: The pitch classes that may sound, C being 0; drums have none.
        tonic: (pitch class, whether the mode is minor) on which the piece ends.
        tempo: Quarter notes a minute, for codecs that have tempos.
        speed: How many times as fast as it is sampled the music will be played, for codecs that count seconds.
        density: From 1, below one note a second, to 8, 20 and more.
        seconds: How long it lasts, or what is to follow a prompt, to the end of the last note.
        velocities: The lowest and the highest velocity.
        groups: Sets of programs of each of which something is to sound again and again.
        bars: How many bars it has, or follow a prompt; for codecs that count bars, instead of seconds.
        meter: Numerator and denominator; for codecs that have meters.
        form: What comes back; for codecs that count bars.
        same_parts: Whether no part may sound but those of a prompt.
    """

    programs: frozenset[int] | None = None
    scale: frozenset[int] | None = None
    tonic: tuple[int, bool] | None = None
    tempo: float | None = None
    density: int | None = None
    seconds: float | None = None
    velocities: tuple[int, int] | None = None
    groups: tuple[frozenset[int], ...] = ()
    bars: int | None = None
    meter: tuple[int, int] | None = None
    same_parts: bool = False
    speed: float = 1.0
    form: Form | None = None


def instruments(text: str) -> dict[str, frozenset[int]]:
    """Word → the programs that it stands for, of a list such as "piano,bass,drums,40".

    Raises:
        UsageError: There is no such instrument, or the list is empty; the hint names the closest.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise UsageError("the list of instruments is empty", "such as piano,bass,drums, or General MIDI numbers")
    return {word: frozenset(programs.find(word)) for word in words}


def described(found: frozenset[int]) -> str:
    """Programs for people, families named once."""
    names = [programs.name(program) for program in sorted(found, key=lambda program: (program == DRUMS, program))]
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def tonality(key: str | None, scale: str | None) -> tuple[frozenset[int] | None, tuple[int, bool] | None]:
    """(pitch classes, tonic) of a key such as C, F#, Am or Bbm, and a scale by name.

    Raises:
        UsageError: There is no such key or scale, or a scale has no key to stand in.
    """
    if scale is not None:
        scale = scale.strip().lower().replace("_", "-").replace(" ", "-")
        if scale not in SCALES:
            raise UsageError(f"no scale is called {scale!r}", nearest(scale, list(SCALES)))
    if key is None:
        if scale is not None:
            raise UsageError(f"the scale {scale} has no key to stand in", "say which: --key A")
        return None, None
    pitch, mode = _tonic(key)
    name = scale or mode or "major"
    if scale is not None and mode is not None and (mode == "minor") != _minor(scale) and scale != "chromatic":
        raise UsageError(f"the key {key} and the scale {scale} contradict each other", f"--key {key.split()[0][:1]}")
    return frozenset((pitch + step) % 12 for step in SCALES[name]), (pitch, _minor(name))


def _minor(scale: str) -> bool:
    return 3 in SCALES[scale] and 4 not in SCALES[scale]


def _tonic(key: str) -> tuple[int, str | None]:
    """(pitch class, mode if it is said) of a key."""
    text = key.strip().replace("♯", "#").replace("♭", "b")
    head, rest = text[:1].upper(), text[1:]
    sign = rest[:1] if rest[:1] in ("#", "b") else ""
    word = rest[len(sign) :].strip(" -").lower()
    modes = {"": None, "m": "minor", "min": "minor", "minor": "minor", "maj": "major", "major": "major"}
    if head not in LETTERS or word not in modes:
        raise UsageError(f"no key is called {key!r}", nearest(text, KEYS))
    mode = "major" if rest[len(sign) :] == "M" else modes[word]
    return (LETTERS[head] + {"": 0, "#": 1, "b": -1}[sign]) % 12, mode
