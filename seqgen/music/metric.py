"""Whether music was written or played: do its onsets lie on its beats? Knows scores, no tokens."""

import contextlib
from collections.abc import Iterable

import numpy as np

from seqgen.errors import DataError
from seqgen.music.read import is_abc, is_musicxml, read_score
from seqgen.music.score import Score
from seqgen.report import Report

# Sixteenths and triplets, in quarter notes, and how near to one an onset counts as on it: of onsets anywhere an eighth
# does. Recordings have about 0.14, sequenced files mostly 0.98 and more (`benchmarks/clock.py`).
PLACES = np.array([0, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1])
NEAR = 1 / 96
WRITTEN = 0.5  # of the onsets


def on_beats(score: Score) -> float:
    """The share of onsets that lie on sixteenths or triplets; 0 where there is none."""
    if len(score) == 0:
        return 0.0
    phase = (score.onset % score.ticks_per_quarter) / score.ticks_per_quarter
    return float((np.abs(phase[:, None] - PLACES).min(axis=1) <= NEAR + 1e-9).mean())


def written(files: Iterable[bytes]) -> tuple[int, int]:
    """(how many of some pieces are written, how many pieces could be read); MusicXML and ABC always are."""
    count = total = 0
    for data in files:
        if is_musicxml(data) or is_abc(data):
            count, total = count + 1, total + 1
            continue
        with contextlib.suppress(DataError):
            share = on_beats(read_score(data, Report()))
            count, total = count + (share > WRITTEN), total + 1
    return count, total
