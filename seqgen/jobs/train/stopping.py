"""Signals that end a run after the step at hand, so that it is saved and can go on."""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator

from seqgen.jobs.interrupts import SIGNALS, wanted
from seqgen.training.run import Run

MOMENT = 3.0  # seconds in which a signal reaches all processes of a run


@contextlib.contextmanager
def stop_on_signals(run: Run) -> Iterator[None]:
    """SIGINT, SIGTERM and a closed terminal end the run after the step at hand, and it is saved; a second one at once.

    Under nohup a closed terminal goes on being ignored, and outside of the main thread no signal can be heard. Of
    several processes each may hear of one Ctrl-C from the terminal, from torchrun and from the others: what comes
    within a moment is one signal.
    """
    first: float | None = None

    def stop(number: int, frame: object) -> None:
        nonlocal first
        now = time.monotonic()
        first = now if first is None else first
        if run.trainer.stopping and now - first > (0 if run.ranks.count == 1 else MOMENT):
            raise KeyboardInterrupt
        run.trainer.stopping = True

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [number for number in SIGNALS if number in (signal.SIGINT, signal.SIGTERM) or wanted(number)]
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
