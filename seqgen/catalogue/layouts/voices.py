"""Chorales as a JSON table of four voices on a sixteenth grid, as MIDI files of four tracks.

    {"train": [[[74, 70, 65, 58], …], …], "valid": …, "test": …}     soprano, alto, tenor, bass; -1 is silence

The table does not tell a held note from a repeated one: equal neighbours become one note.
"""

import io
import json
from collections.abc import Iterable, Iterator
from itertools import groupby

from seqgen.errors import DownloadError

TICKS = 480  # a quarter note
STEP = TICKS // 4
NAMES = ("Soprano", "Alto", "Tenor", "Bass")
VELOCITY = 80


def files(members: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """One MIDI file a chorale, `train/001.mid` and so on.

    Raises:
        DownloadError: The table is not of this form.
    """
    for name, data in members:
        try:
            for split, chorales in json.loads(data).items():
                for number, steps in enumerate(chorales, 1):
                    yield f"{split}/{number:03}.mid", chorale(steps)
        except (ValueError, TypeError, AttributeError, IndexError) as error:
            raise DownloadError(f"{name}: not a table of four voices ({error})", "nothing was kept") from error


def chorale(steps: list[list[int]]) -> bytes:
    """A MIDI file of (T, 4) pitches."""
    import mido

    song = mido.MidiFile(type=1, ticks_per_beat=TICKS)
    for voice, name in enumerate(NAMES):
        track = song.add_track(name)
        rest = 0
        for pitch, run in groupby(int(step[voice]) for step in steps):
            length = STEP * sum(1 for _ in run)
            if pitch < 0:
                rest += length
                continue
            track.append(mido.Message("note_on", channel=voice, note=pitch, velocity=VELOCITY, time=rest))
            track.append(mido.Message("note_off", channel=voice, note=pitch, velocity=0, time=length))
            rest = 0
    written = io.BytesIO()
    song.save(file=written)
    return written.getvalue()
