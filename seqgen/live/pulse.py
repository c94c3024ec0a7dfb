"""What happens again and again on the beat: MIDI clock going out, and beats that others are told of."""

import math
from collections.abc import Callable

from seqgen.live import messages as m
from seqgen.live.clock import Transport
from seqgen.live.scheduler import Scheduler

FIRST = -1  # of what is planned for one position: before the notes


class Pulse:
    """Does something at each multiple of a step of the song.

    Args:
        scheduler, transport: The song.
        step: Quarter notes.
        action: Is given the number of the step, and the time.
    """

    def __init__(
        self, scheduler: Scheduler, transport: Transport, step: float, action: Callable[[int, float], object]
    ) -> None:
        self._scheduler, self._transport, self._step, self._action = scheduler, transport, step, action
        self._era = 0

    def begin(self, beat: float) -> None:
        """Go on from a position; what was planned before is void."""
        self._era += 1
        self._plan(math.ceil(beat / self._step - 1e-6), self._era)

    def _plan(self, number: int, era: int) -> None:
        def act(now: float) -> None:
            if era == self._era:
                self._plan(number + 1, era)
                self._action(number, now)

        self._scheduler.plan(number * self._step, act, FIRST, kept=True)


class ClockOut:
    """MIDI clock for others to follow."""

    def __init__(self, scheduler: Scheduler, transport: Transport, send: Callable[[bytes], object]) -> None:
        self._send = send
        self._pulse = Pulse(scheduler, transport, 1 / m.CLOCKS, lambda number, now: send(bytes((m.CLOCK,))))

    def begin(self, beat: float) -> None:
        """Others start, at the next sixteenth of a position."""
        place = math.ceil(beat * m.CLOCKS / m.CLOCKS_A_POSITION - 1e-6)
        if place:
            self._send(m.position(place))
        self._send(bytes((m.CONTINUE if place else m.START,)))
        self._pulse.begin(place * m.CLOCKS_A_POSITION / m.CLOCKS)

    def stop(self) -> None:
        """Others stop."""
        self._send(bytes((m.STOP,)))
