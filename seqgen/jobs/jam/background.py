"""Ctrl-Z, and a session in the background of a shell: nothing sounds while the process is stopped."""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

Act = Callable[[], object]


class Background:
    """Takes the shell's signals of job control, where the system has such.

    Args:
        leave: Is called before the process stops.
        back: Is called when it goes on.
    """

    def __init__(self, leave: Act, back: Act) -> None:
        self._leave, self._back = leave, back
        self._before: dict[int, signal.Handlers] = {}
        if hasattr(signal, "SIGTSTP") and threading.current_thread() is threading.main_thread():
            self._take(signal.SIGTSTP, self._stopped)
            self._take(signal.SIGTTIN, signal.SIG_IGN)  # else to read what is typed stops what plays behind a shell

    def close(self) -> None:
        """The signals are as they were."""
        while self._before:
            signal.signal(*self._before.popitem())

    def _take(
        self, number: signal.Signals, handler: "Callable[[int, FrameType | None], None] | signal.Handlers"
    ) -> None:
        if signal.getsignal(number) is signal.SIG_DFL:
            self._before[number] = signal.SIG_DFL
            signal.signal(number, handler)

    def _stopped(self, number: int, frame: FrameType | None) -> None:
        self._leave()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)  # it goes on from here with SIGCONT
        signal.signal(number, self._stopped)
        self._back()
