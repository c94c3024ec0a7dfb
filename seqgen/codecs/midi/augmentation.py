"""Other keys, tempos and loudness for performance tokens, as tables from id to id: nothing is encoded anew.

- Transposition moves PITCH tokens; one that would leave the 128 goes an octave back. Drums stay.
- A stretch moves SHIFT tokens up to a second, and DUR tokens, to the nearest that there are. Longer shifts, the
  countdown and the density stay as they are, for a few per cent seldom change their class.
- Loudness moves VEL tokens by whole levels of four.
"""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs.midi import vocabulary as v

STRETCHES = 2  # steps to either side


def tables(transpose: int, stretch: float, loudness: int, size: int = v.SIZE) -> NDArray[np.int64]:
    """(M, size) every combination; one of them leaves all ids as they are.

    Args:
        transpose: Semitones to either side.
        stretch: The share by which times grow or shrink at most.
        loudness: Levels of velocity to either side.
        size: Ids from SIZE on stay as they are.
    """
    steps = range(-STRETCHES, STRETCHES + 1) if stretch else range(1)
    factors = [1 + stretch * step / STRETCHES for step in steps]
    moves, levels = range(-transpose, transpose + 1), range(-loudness, loudness + 1)
    found = np.tile(np.arange(size), (len(moves) * len(factors) * len(levels), 1))
    for row, (move, factor, level) in zip(found, product(moves, factors, levels)):
        row[v.PITCH : v.DUR] = v.PITCH + transposed(move)
        row[v.SHIFT : v.LONG_SHIFT] = v.SHIFT + _stretched(np.arange(1, 101), factor, 100) - 1
        row[v.DUR : v.DRUM] = v.DUR + v.duration_index(_stretched(v.DURATIONS, factor, v.LONGEST))
        row[v.VEL : v.PITCH] = v.VEL + np.clip(np.arange(32) + level, 0, 31)
    return found


def transposed(move: int) -> v.Ints:
    """(128,) each pitch moved by semitones, an octave back where it would leave the 128."""
    pitch = np.arange(128) + move
    return np.asarray(pitch - 12 * (pitch > 127) + 12 * (pitch < 0), np.int64)


def _stretched(steps: v.Ints, factor: float, most: int) -> v.Ints:
    return np.asarray(np.clip(np.rint(steps * factor), 1, most), np.int64)
