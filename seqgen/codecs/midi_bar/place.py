"""Where a steered document stands: what `steering` and its parts remember besides the grammar's state."""

from typing import NamedTuple

from seqgen.codecs.midi_bar import grammar as g
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.codecs.midi_bar.entries import Due


class Place(NamedTuple):
    """Where a steered document stands.

    Attributes:
        inner: Where the grammar stands.
        bar: The number of this bar, −1 before the first.
        last: That of the last one, or −1 while it is not known.
        clock: Seconds from the beginning to this position.
        tempo: The first tempo, an index, or −1.
        notes: Notes and drums so far.
        first: The second of the first of them, or −1.
        heard: How often each pitch class was played.
        pitches: (PARTS,) notes and the sum of their pitches of each part.
        played: (PARTS,) the bar in which each part played last, or −1.
        due: The bars by which instruments are to sound.
    """

    inner: g.State
    bar: int = -1
    last: int = -1
    clock: float = 0.0
    tempo: int = -1
    notes: int = 0
    first: float = -1.0
    heard: tuple[int, ...] = (0,) * 12
    pitches: tuple[tuple[int, int], ...] = ((0, 0),) * v.PARTS
    played: tuple[int, ...] = (-1,) * v.PARTS
    due: Due = ()
