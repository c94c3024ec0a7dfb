"""Where the song is at a time: the internal clock, and one that follows MIDI clock messages.

F8 comes 24 times a quarter note. After FA the position is 0 and play begins at the next F8; after FB it goes on from
the stored position at the next F8; FC keeps the position, and F8 after it tell the tempo alone. F2 sets the position in
sixteenths. Tempo and phase are those of a line fitted to the latest ticks (least squares), so that a tick that comes a
few milliseconds early or late moves neither. Source: MIDI 1.0 Detailed Specification 4.2, System Common and Real Time.
"""

import threading
from collections import deque

import numpy as np

from seqgen.live import messages as m

FEW, MANY = 24, 192  # ticks that the line is fitted to, at least where there are so many, and at most
OUTSIDE = 0.012  # seconds by which ticks may miss the line before it is fitted to the latest alone
STALLED = 1.0  # seconds without a tick after which the clock has stopped
LEAP = 0.25  # quarter notes between where a shared clock is and where it should be, after which that is a leap
SLOWEST, FASTEST = 20.0, 400.0  # quarter notes a minute
FIRST, LATEST, FORGOTTEN = 4, 8, 3.0  # taps that make a tempo, taps that count, and seconds after which they do not


class Ticks:
    """The line through the latest ticks: the time at which the tick n comes."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=MANY)
        self._missed = 0
        self.count = 0  # of all ticks
        self._begin, self._period = 0.0, 60 / (120 * m.CLOCKS)

    def hear(self, time: float) -> None:
        """One more tick."""
        times = self._times
        if times and not 0 < time - times[-1] < STALLED:
            times.clear()
        if len(times) >= FEW:
            self._missed = self._missed + 1 if abs(time - self.time(self.count)) > OUTSIDE else 0
            if self._missed >= 3:  # it has jumped, or changes its tempo
                self._missed = 0
                while len(times) > 6:
                    times.popleft()
        times.append(time)
        self.count += 1
        if len(times) > 1:
            self._fit()
        else:
            self._begin = time - self._period * (self.count - 1)

    def _fit(self) -> None:
        times = np.array(self._times)
        place = np.arange(len(times)) - (len(times) - 1) / 2
        slope = float(place @ (times - times.mean()) / (place @ place))
        least, most = 60 / (FASTEST * m.CLOCKS), 60 / (SLOWEST * m.CLOCKS)
        self._period = min(max(slope, least), most)
        last = self.count - 1
        self._begin = float(times.mean()) + self._period * (len(times) - 1) / 2 - self._period * last

    def time(self, tick: float) -> float:
        """When a tick comes, or came."""
        return self._begin + self._period * tick

    def tick(self, time: float) -> float:
        """Which tick comes at a time, with what lies between two."""
        return (time - self._begin) / self._period

    @property
    def latest(self) -> float | None:
        """When the latest came."""
        return self._times[-1] if self._times else None

    @property
    def tempo(self) -> float:
        """Quarter notes a minute."""
        return 60 / (self._period * m.CLOCKS)


class Transport:
    """The song's position in quarter notes, whether it runs, and how fast. Safe for several threads.

    Args:
        tempo: Quarter notes a minute, while no clock comes in.
        external: Whether MIDI clock drives it.

    Attributes:
        leaps: Changes whenever the position is set rather than reached.
    """

    def __init__(self, tempo: float = 120.0, external: bool = False) -> None:
        self._lock = threading.RLock()
        self.external, self.running, self._armed = external, False, False
        self._tempo, self._time, self._beat = tempo, 0.0, 0.0  # the internal line: beat at time
        self._first = 0.0  # the tick at which the position was `_beat`, for the external one
        self._ticks = Ticks()
        self.leaps = 0

    @property
    def tempo(self) -> float:
        """Quarter notes a minute."""
        with self._lock:
            return self._ticks.tempo if self.external and self._ticks.count > 1 else self._tempo

    def set_tempo(self, tempo: float, now: float) -> None:
        """Go on at another tempo; while MIDI clock comes in, that tempo counts instead."""
        with self._lock:
            self._beat, self._time = self.beat(now) if not self.external else self._beat, now
            self._tempo = min(max(tempo, SLOWEST), FASTEST)

    def start(self, now: float, beat: float | None = None) -> None:
        """Run from a position, or from where it stands."""
        with self._lock:
            if beat is not None:
                self._beat = beat
                self.leaps += 1
            if self.external and self._ticks.count:
                self._first = float(round(self._ticks.tick(now)))
            self._time, self.running = now, True

    def follow(self, beat: float, tempo: float, now: float) -> bool:
        """Be where somebody else says, at their tempo, and run; True where the position leaps by that."""
        with self._lock:
            leapt = self.running and abs(beat - self.beat(now)) > LEAP
            self._beat, self._time, self._tempo = beat, now, min(max(tempo, SLOWEST), FASTEST)
            self.running = True
            self.leaps += leapt
            return leapt

    def beat(self, time: float) -> float:
        """The position at a time."""
        with self._lock:
            if not self.running:
                return self._beat
            if self.external:
                return self._beat + (self._ticks.tick(time) - self._first) / m.CLOCKS
            return self._beat + (time - self._time) * self._tempo / 60

    def time(self, beat: float) -> float:
        """When a position is reached, or was; infinity while it stands still."""
        with self._lock:
            if not self.running:
                return float("inf")
            if self.external:
                return self._ticks.time(self._first + (beat - self._beat) * m.CLOCKS)
            return self._time + (beat - self._beat) * 60 / self._tempo

    def hear(self, data: bytes, time: float) -> str:
        """Follow a message of another clock.

        Returns:
            What happened: "start", "continue", "stop", "locate", "tick", or "" where it is none, or nothing came of it.
        """
        if not self.external or not data:
            return ""
        with self._lock:
            kind = data[0]
            if kind == m.CLOCK:
                return self._hear_tick(time)
            if kind == m.START:
                self._beat, self._armed, self.running = 0.0, True, False
                self.leaps += 1
                return "start"
            if kind == m.CONTINUE:
                self._armed = self._armed or not self.running
                return "continue"
            if kind == m.STOP:
                was = self.running
                self._beat = round(self.beat(time) * m.CLOCKS) / m.CLOCKS
                self.running = self._armed = False
                return "stop" if was else ""
            if kind == m.POSITION and len(data) == 3:
                beat = m.position_of(data) * m.CLOCKS_A_POSITION / m.CLOCKS
                self._beat, self._first = beat, float(self._ticks.count)  # what plays goes on there with the next tick
                self.leaps += 1
                return "locate"
            return ""

    def _hear_tick(self, time: float) -> str:
        self._ticks.hear(time)
        if self._armed:
            self._armed, self.running = False, True
            self._first = float(self._ticks.count - 1)
        return "tick"

    def watch(self, now: float) -> bool:
        """Stop where ticks have stayed away; True where that is so now."""
        with self._lock:
            latest = self._ticks.latest
            if not (self.external and self.running and latest is not None and now - latest > STALLED):
                return False
            self._beat = self._beat + (self._ticks.count - self._first) / m.CLOCKS
            self.running = False
            self._armed = True  # it goes on where it stood when ticks come again
            return True


class Taps:
    """A tempo that somebody taps."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=LATEST)

    def tap(self, now: float) -> float | None:
        """One more tap; the tempo, once there are enough for one."""
        if self._times and now - self._times[-1] > FORGOTTEN:
            self._times.clear()
        self._times.append(now)
        if len(self._times) < FIRST:
            return None
        tempo = 60 * (len(self._times) - 1) / max(self._times[-1] - self._times[0], 1e-3)
        return round(tempo, 2) if SLOWEST <= tempo <= FASTEST else None
