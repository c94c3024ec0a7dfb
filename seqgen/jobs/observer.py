"""What a job tells while it works: remarks, how far it is, what it comes to on the way. This one is silent.

Python's default is `SILENT`; the command line's observer prints on standard error. An observer of your own derives from
`Observer` and overrides what it wants to hear of:

    class Prints(seqgen.Observer):
        def note(self, message):
            print(message)

    seqgen.train("plays/", "checkpoints/plays", minutes=5, observer=Prints())
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seqgen.training.progress import Incident, Line, Progress

Advance = Callable[[int], object]  # takes how much more is done


class Observer:
    """Hears nothing; what is not overridden stays silent. Its methods return before the job goes on."""

    def note(self, message: str) -> None:
        """A remark for people, of one line or more."""

    def bar(self, name: str, total: int, unit: str) -> AbstractContextManager[Advance]:
        """How far something is that takes time: while the body runs, what it gives is told of each part that is done.

        Args:
            name: What it is, "" where that needs no word.
            total: Of all its parts.
            unit: What they are counted in.
        """
        return nullcontext(_unheard)

    def stepped(self, progress: "Progress", share: float, line: "Line") -> None:
        """Training, every few steps: where the run stands, the share of its budget that is used, a log line."""

    def checked(self, progress: "Progress", line: "Line", improved: bool) -> None:
        """Training, after each validation: a log line with it, and whether it is the best so far."""

    def sampled(self, text: str) -> None:
        """Training, after a validation that is the best so far: a short text of the model as it stands."""

    def rolled_back(self, progress: "Progress", line: "Incident") -> None:
        """Training, after the loss exploded: `line` has the step, the loss and where the run went back to."""

    def shrunk(self, progress: "Progress", line: "Incident") -> None:
        """Training, after the device ran out of memory: `line` has the step and the batch that the run goes on with."""

    def close(self) -> None:
        """Training has ended or stopped."""


def _unheard(count: int) -> None:
    """Of what goes on, nothing is shown."""


SILENT = Observer()
