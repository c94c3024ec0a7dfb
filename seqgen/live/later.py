"""What is to happen so many seconds from now, whether the song runs or not: one thread for all of it, so that a flood
of notes from a program makes no flood of threads."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable

MOST = 1024  # that wait; one more happens at once


class Later:
    """A thread that waits. It begins with the first thing to wait for."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, Callable[[], object]]] = []
        self._wake, self._numbers = threading.Condition(), itertools.count()
        self._thread: threading.Thread | None = None
        self._over = False

    def after(self, seconds: float, act: Callable[[], object]) -> None:
        """Do something after a while."""
        with self._wake:
            if self._over:
                return
            wait = seconds if len(self._waiting) < MOST else 0.0
            heapq.heappush(self._waiting, (time.monotonic() + wait, next(self._numbers), act))
            self._wake.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="later", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Nothing happens any more."""
        with self._wake:
            self._over = True
            self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._over and not (self._waiting and self._waiting[0][0] <= time.monotonic()):
                    self._wake.wait(self._waiting[0][0] - time.monotonic() if self._waiting else None)
                if self._over:
                    return
                act = heapq.heappop(self._waiting)[2]
            act()
