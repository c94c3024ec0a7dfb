"""What sounds on the way out, counted, so that no note is ever left behind.

A key that is struck again while it sounds ends first and begins anew, and is over when each of its notes has ended.
Silence is a note off for each key, then the pedal up, all sound off and all notes off on every channel that was used:
many synthesizers know only some of these.
"""

import threading
import time
from collections.abc import Callable

from seqgen.live import messages as m

LONGEST = 11.0  # seconds of a note
ECHO = 0.03  # seconds within which what comes in as it went out is our own


class Sounding:
    """The notes of one output.

    Args:
        send: Takes the bytes of a message; an OSError is a port that is gone, and is swallowed.
        longest: Seconds after which a note is ended whatever the music says.

    Attributes:
        lost: Messages that the port did not take.
        expired: Notes that were ended because they were too long.
    """

    def __init__(self, send: Callable[[bytes], object], longest: float = LONGEST) -> None:
        self._send, self.longest = send, longest
        self._lock = threading.RLock()
        self._counts: dict[tuple[int, int], int] = {}  # (channel, pitch) → notes that hold it
        self._began: dict[tuple[int, int], float] = {}
        self._sent: dict[bytes, float] = {}  # the beginning of a message → when it last went out
        self._used: set[int] = set()
        self._programs: dict[int, int] = {}
        self.lost = self.expired = 0
        self.closed = False
        self.era = 0  # changes with every silence: what was to end notes of before ends none of after

    def on(self, channel: int, pitch: int, velocity: int, now: float) -> int:
        """A note begins, nothing once this is closed; gives what `off` wants to know."""
        with self._lock:
            if self.closed:
                return self.era
            key = channel, pitch
            count = self._counts.get(key, 0)
            self._used.add(channel)
            self._counts[key], self._began[key] = count + 1, now
            if count:
                self._put(m.note_off(channel, pitch))
            self._put(m.note_on(channel, pitch, max(min(velocity, 127), 1)))
            return self.era

    def off(self, channel: int, pitch: int, era: int) -> None:
        """One of a key's notes ends, which began in `era`; the key does with the last of them."""
        with self._lock:
            key = channel, pitch
            count = self._counts.get(key, 0)
            if not count or era != self.era:
                return
            if count > 1:
                self._counts[key] = count - 1
                return
            self._end(key)

    def program(self, channel: int, number: int) -> None:
        """The channel's instrument, sent where it is another than before."""
        with self._lock:
            if not self.closed and self._programs.get(channel) != number:
                self._programs[channel] = number
                self._put(m.program(channel, number))

    def expire(self, now: float) -> None:
        """End what has sounded for too long."""
        with self._lock:
            for key in [key for key, began in self._began.items() if now - began > self.longest]:
                self.expired += 1
                self._end(key)

    def silence(self, every: bool = False) -> None:
        """End all that sounds.

        Args:
            every: On all channels rather than those that were used: for what an earlier program left behind.
        """
        with self._lock:
            self.era += 1
            for key in list(self._counts):
                self._end(key)
            for channel in range(m.CHANNELS) if every else sorted(self._used):
                for number in (m.SUSTAIN, m.SOUND_OFF, m.NOTES_OFF):
                    self._put(m.control(channel, number, 0))

    def close(self) -> None:
        """Silence, for good: no note begins any more."""
        with self._lock:
            self.closed = True
            self.silence()

    def forget(self) -> None:
        """The port is another one, on which nothing sounds and no instrument is chosen."""
        with self._lock:
            self._counts.clear()
            self._began.clear()
            self._programs.clear()

    def echoes(self, data: bytes, at: float) -> bool:
        """Whether a message that came in is one that went out a moment ago. Each is taken for an echo once."""
        with self._lock:
            sent = self._sent.get(data[:2])
            if sent is None or not -ECHO <= at - sent <= ECHO:
                return False
            del self._sent[data[:2]]
            return True

    @property
    def keys(self) -> list[tuple[int, int]]:
        """(channel, pitch) of all that sounds."""
        with self._lock:
            return sorted(self._counts)

    def _end(self, key: tuple[int, int]) -> None:
        self._counts.pop(key, None)
        self._began.pop(key, None)
        self._put(m.note_off(*key))

    def _put(self, data: bytes) -> None:
        self._sent[data[:2]] = time.monotonic()
        try:
            self._send(data)
        except (OSError, ValueError, RuntimeError):  # unplugged: rtmidi's own error is a RuntimeError
            self.lost += 1
