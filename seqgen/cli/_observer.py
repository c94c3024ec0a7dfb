"""What a person sees of a job, on standard error: remarks, bars on a terminal, the course of a training run."""

import contextlib
import math
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from seqgen.cli._options import note, progress_hidden
from seqgen.jobs.observer import Advance, Observer
from seqgen.terminal.text import harmless

if TYPE_CHECKING:
    from tqdm import tqdm

    from seqgen.training.progress import Incident, Line, Progress

SAMPLE_LINES, SAMPLE_WIDTH = 3, 74
NAME = 24  # characters of what a bar is of
BAR = "{l_bar}{bar:8}| {elapsed}<{remaining}{postfix}"  # with hours and 100,000 tokens/s in 80 columns


class Printer(Observer):
    """Shows a job on stderr: a bar on a terminal, remarks and a line for each validation everywhere."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._before = (0, 0.0)

    def note(self, message: str) -> None:
        """Print it."""
        self._print(harmless(message) if self._bar is not None else message)

    def bar(self, name: str, total: int, unit: str) -> AbstractContextManager[Advance]:
        """A bar that is gone when the body has ended."""
        return _bar(name, total, unit)

    def stepped(self, progress: "Progress", share: float, line: "Line") -> None:
        """Move the bar."""
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(total=1.0, initial=min(share, 1.0), disable=progress_hidden(), bar_format=BAR, leave=False)
        tokens, seconds = progress.tokens - self._before[0], progress.seconds - self._before[1]
        self._before = (progress.tokens, progress.seconds)
        if line["nats"] is not None:
            rate = f"{tokens / seconds:,.0f} tokens/s" if seconds > 0 else ""
            loss = f"{line['nats']:.3f} nats, {line['nats'] / math.log(2):.2f} bits/token"
            self._bar.set_postfix_str(f"{loss}, {rate}", refresh=False)
        self._bar.update(min(share, 1.0) - self._bar.n)

    def checked(self, progress: "Progress", line: "Line", improved: bool) -> None:
        """Print the validation."""
        mark = "best so far" if improved else "not better"
        train = "" if line["nats"] is None else f"train {line['nats']:.4f}, "
        self._print(
            f"step {line['step']:>7,}  epoch {line['epoch']:.2f}  {line['seconds']:.0f} s  "
            f"{train}validation {_nats(line['validation_nats'])} ({mark})"
        )

    def sampled(self, text: str) -> None:
        """Print its first lines."""
        for row in harmless(text).strip("\n").split("\n")[:SAMPLE_LINES]:
            self._print("  │ " + row[:SAMPLE_WIDTH])

    def rolled_back(self, progress: "Progress", line: "Incident") -> None:
        """Say so."""
        data = "" if line["event"] == "rollback" else "; the data in between are left out"
        self._print(
            f"step {line['step']:>7,}  the loss exploded ({_nats(line['loss'])}): back to step {line['to']:,}, "
            f"learning rate × {line['damping']:g}{data}"
        )

    def shrunk(self, progress: "Progress", line: "Incident") -> None:
        """Say so."""
        self._print(f"step {line['step']:>7,}  the device ran out of memory: on with batch {line['batch']}")

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _print(self, text: str) -> None:
        if self._bar is not None and not self._bar.disable:
            self._bar.write(text, file=sys.stderr)
        else:
            note(text)


@contextlib.contextmanager
def _bar(name: str, total: int, unit: str) -> Iterator[Advance]:
    from tqdm import tqdm

    size = {"unit": unit, "unit_scale": True, "disable": progress_hidden()}
    with tqdm(total=total, desc=name[-NAME:] or None, leave=not name, **size) as bar:
        yield bar.update


def _nats(value: float | None) -> str:
    return "not a number" if value is None else f"{value:.4f} nats"
