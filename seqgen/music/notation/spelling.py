"""Names of notes in a key: fifths instead of pitch classes. Knows no format.

A key has as many sharps (flats below 0) as its number of fifths. A pitch class is spelled by the name that lies nearest
to the key on the line of fifths, from three fifths below its tonic in major to eight above: C with E flat and G sharp.
"""

from dataclasses import dataclass

LINE = "FCGDAEB"  # the naturals along the line of fifths, F being −1
_NATURAL = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
LOWEST = -3  # fifths from the key's major tonic to the flattest name


@dataclass(frozen=True)
class Name:
    """A note by name.

    Attributes:
        letter: A to G.
        alter: Sharps, or flats below 0.
        octave: Whose number 4 begins with middle C.
    """

    letter: str
    alter: int
    octave: int


def spelled(pitch: int, fifths: int) -> Name:
    """The name of a pitch in a key."""
    lowest = fifths + LOWEST
    place = lowest + (7 * pitch - lowest) % 12  # of the names of this pitch class the first from the lowest on
    sharps, index = divmod(place + 1, 7)
    letter = LINE[index]
    return Name(letter, sharps, (pitch - _NATURAL[letter] - sharps) // 12 - 1)


def signature(fifths: int) -> dict[str, int]:
    """Letter → sharps or flats of a key signature; letters without are absent."""
    if fifths >= 0:
        return dict.fromkeys(LINE[:fifths], 1)
    return dict.fromkeys(LINE[fifths:], -1)


def tonic_name(fifths: int, minor: bool) -> str:
    """The letter of a key's tonic with # or b."""
    sharps, index = divmod(fifths + (3 if minor else 0) + 1, 7)
    return LINE[index] + ("#" * sharps if sharps > 0 else "b" * -sharps)
