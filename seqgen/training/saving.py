"""When a run saves itself between two steps. It knows seconds and bytes; what is written, and where, others know.

A run that takes longer than a minute saves first ten seconds after it began to train, so that all is on the disk five
seconds later, and then every two minutes. A large model takes long to write: a run spends a fiftieth of its time on
saving at most, by what the last save took, and the first save is left out where it would take more than a twentieth
of the whole run, by its bytes.
"""

import contextlib
import time
from collections.abc import Iterator

SAVE_SECONDS = 120.0  # what an unforeseen end may cost at most
FIRST_SECONDS = 10.0  # what it may cost at most in the beginning
LONG_SECONDS = 60.0  # a run that ends sooner is begun anew as quickly
SHARE, FIRST_SHARE = 0.02, 0.05  # of the time, for all saves and for the first
COPIES = 5  # the weights as they stand, two moments, an average, the checkpoint; 4 bytes a number
SPEED = 100e6  # bytes a second that a slow disk writes and syncs


class Saves:
    """The clock of a run's saves.

    Args:
        numbers: How many the model has; COPIES of each are written.
    """

    def __init__(self, numbers: int) -> None:
        self.size = 4 * COPIES * numbers
        self.begin()

    def begin(self, first: bool = True) -> None:
        """Training begins; `first`: nothing is saved yet."""
        self._began = self._last = time.monotonic()
        self._first, self._took = first, 0.0

    def due(self, share: float) -> bool:
        """Whether it is time to save.

        Args:
            share: Of the run's budget that is used, which tells how long the whole run takes.
        """
        waited = time.monotonic() - self._last
        if waited > max(SAVE_SECONDS, self._took / SHARE):
            return True
        return self._first and waited > FIRST_SECONDS and self._pays(waited, share)

    @contextlib.contextmanager
    def timed(self) -> Iterator[None]:
        """The body saves; takes the time of it."""
        began = time.monotonic()
        yield
        self._last, self._first = time.monotonic(), False
        self._took = self._last - began

    def _pays(self, seconds: float, share: float) -> bool:
        """Whether the run is long beside its first save: `share` of it took so many seconds."""
        return seconds > share * max(LONG_SECONDS, self.size / SPEED / FIRST_SHARE)
