"""A thread that does what is planned at its time: sleeps until shortly before, then looks at the clock without rest.

Plans are positions in the song, and become times when they are due, so that a tempo that changes moves them too. While
it runs, the garbage collector rests and Python gives every thread its turn soon.
"""

import gc
import heapq
import itertools
import sys
import threading
import time
from array import array
from collections.abc import Callable
from typing import Any, NamedTuple

from seqgen.live.clock import Transport
from seqgen.live.priority import real_time

COARSE, FINE = 0.002, 0.0004  # seconds before an event at which it stops sleeping long, and at all
SLICE = 0.02  # seconds of sleep at most, for the tempo may change meanwhile
LATE = 0.005  # seconds after which an event counts as late
TURN = 0.0002  # seconds that a thread of Python computes before another may
KEPT = 1 << 16  # latenesses that are kept
REST = 0.25  # seconds between two looks at notes that last too long

Action = Callable[[float], object]


class Event(NamedTuple):
    """What is planned; the earlier, then the more urgent, then the older comes first."""

    beat: float
    urgency: int
    number: int
    action: Action
    timed: bool
    kept: bool
    about: Any


class Scheduler:
    """Plans, and the thread that carries them out.

    Args:
        transport: Says when a position is reached.
        tend: Called now and then with the time, for what has to be looked after.

    Attributes:
        late: Events that came more than LATE seconds after their time.
        privileged: Whether the system lets its thread go before others.
        lateness: Seconds after its time, of the latest events.
    """

    def __init__(self, transport: Transport, tend: Callable[[float], object] = lambda now: None) -> None:
        self.transport, self._tend = transport, tend
        self._events: list[Event] = []
        self._wake = threading.Condition()
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None
        self._over = False
        self.late = self.done = self.faults = 0
        self.lateness = array("d")
        self.fault, self.privileged = "", False

    def plan(
        self, beat: float, action: Action, urgency: int = 1, timed: bool = True, kept: bool = False, about: Any = None
    ) -> None:
        """Do something at a position; where it has passed, at once.

        Args:
            beat: The position.
            action: Is given the time.
            urgency: Of two at one position the lower comes first.
            timed: Whether its lateness counts.
            kept: Whether it stays when all else is forgotten.
            about: What it is, for those who are shown the plan.
        """
        with self._wake:
            event = Event(beat, urgency, next(self._numbers), action, timed, kept, about)
            heapq.heappush(self._events, event)
            if self._events[0] is event:
                self._wake.notify()

    def clear(self) -> None:
        """Forget all plans but those that are kept."""
        with self._wake:
            self._events = [event for event in self._events if event.kept]
            heapq.heapify(self._events)

    def __len__(self) -> int:
        return len(self._events)

    def planned(self) -> list[Event]:
        """What is to come that somebody may be shown, in order."""
        with self._wake:
            events = list(self._events)
        return sorted(event for event in events if event.about is not None)

    def start(self) -> None:
        """Begin."""
        self._before = sys.getswitchinterval(), gc.isenabled()
        sys.setswitchinterval(TURN)
        gc.collect()
        gc.freeze()
        gc.disable()
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End; what is planned is not done."""
        self._over = True
        with self._wake:
            self._wake.notify()
        if self._thread is None:
            return
        if self._thread is not threading.current_thread():
            self._thread.join(1.0)
        self._thread = None
        sys.setswitchinterval(self._before[0])
        gc.unfreeze()
        if self._before[1]:
            gc.enable()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def _run(self) -> None:
        tended, self.privileged = 0.0, real_time()
        while not self._over:
            now = time.monotonic()
            if now - tended > REST:
                tended = now
                self._guarded(self._tend, now)
            event = self._due()
            if event is not None:
                self._do(event)

    def _due(self) -> Event | None:
        """The next event, at its time; None where something else has to be looked at first."""
        with self._wake:
            if not self._events:
                self._wake.wait(SLICE)
                return None
            first = self._events[0]
            wait = self.transport.time(first.beat) - time.monotonic()
            if wait > COARSE:
                self._wake.wait(min(wait - COARSE, SLICE))
                return None
        while wait > 0 and not self._over and self._events and self._events[0] is first:
            if wait > FINE:
                time.sleep(min(wait - FINE, FINE))
            wait = self.transport.time(first.beat) - time.monotonic()
            if wait > COARSE:
                return None
        with self._wake:
            return heapq.heappop(self._events) if self._events and self._events[0] is first else None

    def _do(self, event: Event) -> None:
        now = time.monotonic()
        late = now - self.transport.time(event.beat)
        if event.timed and late != float("-inf"):
            self.done += 1
            self.late += late > LATE
            self.lateness.append(late)
            if len(self.lateness) == KEPT:
                del self.lateness[: KEPT // 2]
        self._guarded(event.action, now)

    def _guarded(self, action: Action, now: float) -> None:
        try:
            action(now)
        except Exception as error:  # the music goes on
            self.faults += 1
            self.fault = f"{type(error).__name__}: {error}"
