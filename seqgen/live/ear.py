"""What is played in: keys that are down, and notes that are over, at positions of the song."""

from collections import deque

from seqgen.live import messages as m
from seqgen.music.played import Played

KEPT = 4096  # notes
PART = 0  # of what is heard


class Ear:
    """Hears messages of keys.

    Args:
        program: As which instrument the model hears it.

    Attributes:
        notes: The latest that are over.
        latest: The position of the latest thing that was heard; None: nothing was.
        pedal: Whether the sustain pedal is down.
    """

    def __init__(self, program: int = 0) -> None:
        self.program = program
        self.notes: deque[Played] = deque(maxlen=KEPT)
        self.latest: float | None = None
        self.pedal = False
        self._down: dict[tuple[int, int], tuple[float, int]] = {}

    def hear(self, data: bytes, beat: float) -> Played | None:
        """Take a message in; gives the note that begins with it, if one does, of no length yet."""
        if data[0] & 0xF0 == m.CONTROL and len(data) == 3 and data[1] == m.SUSTAIN:
            self.pedal = data[2] >= 64
        if not (m.starts(data) or m.ends(data)):
            return None
        key = data[0] & 0x0F, data[1]
        self._over(key, beat)
        self.latest = beat
        if not m.starts(data):
            return None
        self._down[key] = beat, data[2]
        return Played(beat, 0.0, data[1], data[2], self.program, PART)

    def since(self, beat: float, now: float) -> list[Played]:
        """All notes from a position on; what is still down has its length so far."""
        down = [
            Played(at, max(now - at, 0.1), pitch, velocity, self.program, PART)
            for (_, pitch), (at, velocity) in self._down.items()
        ]
        return sorted(note for note in [*self.notes, *down] if note.at >= beat)

    @property
    def holding(self) -> bool:
        """Whether a key, or the pedal, is down."""
        return bool(self._down) or self.pedal

    def forget(self) -> None:
        """Begin anew."""
        self.notes.clear()
        self._down.clear()
        self.latest, self.pedal = None, False

    def _over(self, key: tuple[int, int], beat: float) -> None:
        if key in self._down:
            at, velocity = self._down.pop(key)
            self.notes.append(Played(at, max(beat - at, 0.05), key[1], velocity, self.program, PART))
