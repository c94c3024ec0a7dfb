"""Other keys, tempos and loudness for score tokens, as tables from id to id: nothing is encoded anew.

Transposition moves PITCH tokens; one that would leave the 128 goes an octave back. Drums stay. A stretch moves TEMPO
tokens to the nearest that there are, loudness moves VEL tokens by whole levels of eight.
"""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs.midi.augmentation import STRETCHES, transposed
from seqgen.codecs.midi_bar import vocabulary as v


def tables(transpose: int, stretch: float, loudness: int) -> NDArray[np.int64]:
    """(M, SIZE) every combination; see `seqgen.codecs.midi.augmentation.tables`."""
    steps = range(-STRETCHES, STRETCHES + 1) if stretch else range(1)
    factors = [1 + stretch * step / STRETCHES for step in steps]
    moves, levels = range(-transpose, transpose + 1), range(-loudness, loudness + 1)
    found = np.tile(np.arange(v.SIZE), (len(moves) * len(factors) * len(levels), 1))
    for row, (move, factor, level) in zip(found, product(moves, factors, levels)):
        row[v.PITCH : v.DRUM] = v.PITCH + transposed(move)
        row[v.TEMPO : v.POS] = v.TEMPO + v.tempo_index(np.rint(v.TEMPOS * factor).astype(np.int64))
        row[v.VEL : v.PITCH] = v.VEL + np.clip(np.arange(16) + level, 0, 15)
    return found
