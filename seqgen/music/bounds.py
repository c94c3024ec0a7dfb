"""The most notes that begin at one instant in a corpus, of a part and of all parts together. Knows no vocabulary.

A codec of music measures them in ids (`Codec.bounds`), training keeps them in the checkpoint, and the codec's grammar
lets no more notes begin together than that (`Codec.within`).
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqgen.music.arrays import Ints, differs

TOGETHER, OF_A_PART = "notes_together", "notes_of_a_part_together"
UNKNOWN = 40  # where no corpus was measured
UNBOUNDED = 1 << 30


class Bounds(NamedTuple):
    """How many notes may begin together.

    Attributes:
        together: Of all parts.
        part: Of one part.
    """

    together: int = UNBOUNDED
    part: int = UNBOUNDED

    @classmethod
    def of(cls, found: Mapping[str, int]) -> "Bounds":
        """The bounds of a corpus as `most_together` gives them; UNKNOWN where there are none."""
        together = found.get(TOGETHER, UNKNOWN)
        return cls(together, min(found.get(OF_A_PART, together), together))


ANY = Bounds()


def most_together(instant: Ints, part: Ints) -> dict[str, int]:
    """The bounds of notes as plain data; none where there is no note.

    Args:
        instant: (N,) a number for the instant at which each note begins, never falling.
        part: (N,) a number for its part; the notes of a part and an instant stand side by side.
    """
    if not len(instant):
        return {}
    new = differs(instant)
    return {TOGETHER: _longest(new), OF_A_PART: _longest(new | differs(part))}


def _longest(new: NDArray[np.bool_]) -> int:
    """The length of the longest run, runs beginning where `new` is set."""
    begins = np.flatnonzero(new)
    return int(np.diff(np.append(begins, len(new))).max())
