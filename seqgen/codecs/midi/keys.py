"""One key of one part sounds once at a time: what encoders and decoders of notes with lengths do to keep it so.

Of notes of one key that begin together the longest is kept, of equally long ones the loudest; a key that is struck
while it sounds ends its earlier note, which then has the longest length of the vocabulary that fits.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs.midi import vocabulary as v
from seqgen.codecs.midi.vocabulary import Ints
from seqgen.music.faults import Faults

AGAIN, OVERLAPPING = "second note of one pitch at one time", "overlapping notes of one pitch"


class Once(NamedTuple):
    """What is left of notes.

    Attributes:
        kept: (M,) indices of the notes that are kept, by key, then step.
        length: (M,) their lengths in steps, all of them in DURATIONS where those given were.
    """

    kept: NDArray[np.intp]
    length: Ints


def once_at_a_time(
    key: NDArray[np.uint16], order: NDArray[np.intp], step: Ints, length: Ints, velocity: Ints, faults: Faults
) -> Once:
    """Notes such that none begins or goes on where its key is struck.

    Args:
        key: (N,) program and pitch as one number.
        order: (N,) indices that sort the notes by key, then step.
        step, length, velocity: (N,) onset and length in steps, loudness.
        faults: Counts what is left out and shortened.
    """
    found = _gaps(key, order, step)
    if np.any(found == 0):
        order = np.lexsort((-velocity, -length, step, key))
        first = np.append(True, _gaps(key, order, step) != 0)[: len(order)]
        faults.left_out(AGAIN, len(order) - int(first.sum()))
        order = order[first]
        found = _gaps(key, order, step)
    lasting = length[order]
    late = (found > 0) & (lasting[:-1] > found)
    if late.any():
        faults.mended(OVERLAPPING, int((late & (lasting[:-1] > found + 1)).sum()))  # one step is mere rounding
        at = np.flatnonzero(late)
        lasting[at] = v.DURATIONS[np.searchsorted(v.DURATIONS, found[at], side="right") - 1]
    return Once(order, lasting)


def _gaps(key: NDArray[np.uint16], order: NDArray[np.intp], step: Ints) -> Ints:
    """(N−1,) steps from each note to the next of its key; −1 where there is none."""
    ordered, steps = key[order], step[order]
    return np.where(ordered[1:] == ordered[:-1], steps[1:] - steps[:-1], -1)
