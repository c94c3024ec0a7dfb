"""How much of a score is rendered: nobody listens to a day of notes, and a picture of them shows nothing.

Both renderers ask here, so that sound and picture cover the same stretch.
"""

import numpy as np

from seqgen.errors import MidiError
from seqgen.music.score import Score

MAX_SECONDS = 1800.0
MAX_NOTES = 100_000


def window(score: Score) -> tuple[float, float]:
    """The rendered stretch in seconds: from the start of the piece to the end of its last note, within the limits.

    A piece whose first note comes after the limit is rendered from that note on.

    Raises:
        MidiError: There are no notes.
    """
    if not len(score):
        raise MidiError("the score has no notes, so there is nothing to hear or to see", "choose another file")
    first = float(score.seconds(score.onset[0]))
    start = first if first >= MAX_SECONDS else 0.0
    end = min(float(score.seconds((score.onset + score.duration).max())), start + MAX_SECONDS)
    if len(score) > MAX_NOTES:
        end = min(end, float(score.seconds(score.onset[MAX_NOTES])))
    return start, max(end, start + 0.05)


def shortened(score: Score) -> str:
    """A sentence on what is left out, or "" where the whole piece is rendered."""
    start, end = window(score)
    whole = float(score.seconds((score.onset + score.duration).max()))
    if start == 0 and end >= whole:
        return ""
    return f"the piece lasts {clock(whole)}; only {clock(start)} to {clock(end)} is rendered"


def rows(score: Score) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Indices of the notes that begin in the window."""
    start, end = window(score)
    onset = score.seconds(score.onset)
    return np.flatnonzero((onset >= start) & (onset < end))[:MAX_NOTES]


def clock(seconds: float) -> str:
    """Seconds for people: `0:07`, `12:30`, `1:02:00`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
