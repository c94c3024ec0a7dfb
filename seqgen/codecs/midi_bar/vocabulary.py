"""The tokens of the score vocabulary and what they stand for. Knows no scores; `encoding` and `grammar` do.

746 ids in twelve ranges. Times are counted in steps of a 24th of a quarter note.

    BAR      1    the next bar
    METER    24   23 meters, and OTHER, which two POS follow: the numerator, the denominator as a power of two
    TEMPO    48   19 to 373 quarter notes a minute, log-spaced, 120 among them
    POS      192  steps from the beginning of the bar
    PART     16   the part of the notes that follow
    INST     128  the General MIDI program of that part from here on; before the first bar, the kit of the drums
    VEL      16   the velocity of what follows, eight values each
    PITCH    128  a note of the current part; a DUR follows
    DRUM     128  a note of the percussion channel, without duration
    DUR      48   note values of 1 to 1,536 steps
    TIE      1    the note before goes on for the DUR that follows
    REMAIN   16   bars until the last one with an onset: 0 is that bar itself, 15 more than 128
"""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

QUARTER = 24  # steps
WHOLE = 4 * QUARTER
LONGEST_BAR = 192
LONGEST = 24_576  # steps of a note: 256 bars of 4/4
PARTS = 16
MAX_EMPTY = 16  # bars without an onset in a row; more are cut

METERS = (
    (4, 4), (3, 4), (2, 4), (6, 8), (2, 2), (3, 8), (9, 8), (12, 8), (1, 4), (5, 4), (6, 4), (7, 4), (3, 2), (4, 2),
    (1, 2), (1, 8), (2, 8), (4, 8), (5, 8), (7, 8), (3, 16), (6, 16), (12, 16),
)  # fmt: skip
OTHER = len(METERS)
MAX_METER = 64, 6  # numerator, and the denominator as a power of two

# A value is at most twice the one before, so that what is left of a length after the longest value that fits is
# shorter than that value: a chain of ties falls.
DURATIONS = np.array(
    [
        *range(1, 17), 18, 20, 21, 22, 24, 27, 28, 30, 32, 33, 36, 40, 42, 44, 45, 48, 54, 60, 66, 72, 84, 90, 96, 108,
        120, 144, 168, 192, 288, 384, 768, 1536,
    ],
    np.int64,
)  # fmt: skip
# REMAIN k means at most so many bars to go, and more than the one before.
REMAIN_EDGES = np.array([0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128], np.int64)

_SIZES = {
    "BAR": 1, "METER": OTHER + 1, "TEMPO": 48, "POS": LONGEST_BAR, "PART": PARTS, "INST": 128, "VEL": 16,
    "PITCH": 128, "DRUM": 128, "DUR": len(DURATIONS), "TIE": 1, "REMAIN": len(REMAIN_EDGES) + 1,
}  # fmt: skip
_STARTS = dict(zip(_SIZES, np.cumsum([0, *_SIZES.values()]).tolist()))
BAR, METER, TEMPO, POS, PART, INST, VEL, PITCH, DRUM, DUR, TIE, REMAIN = _STARTS.values()
SIZE = sum(_SIZES.values())

_MIDDLE, _OCTAVE, _DEFAULT = 29, 11, 500_000  # the tempo of 120, tempos in a doubling, its microseconds
TEMPOS = np.rint(_DEFAULT / 2 ** ((np.arange(_SIZES["TEMPO"]) - _MIDDLE) / _OCTAVE)).astype(np.int64)


def names() -> list[str]:
    """(SIZE,) readable token names."""
    values = {kind: [str(value) for value in range(size)] for kind, size in _SIZES.items()}
    values["BAR"], values["TIE"] = ["LINE"], ["ON"]
    values["METER"] = [f"{over}/{under}" for over, under in METERS] + ["OTHER"]
    values["TEMPO"] = [f"{60_000_000 / tempo:.0f}" for tempo in TEMPOS.tolist()]
    values["DUR"] = [f"{steps}/24" for steps in DURATIONS.tolist()]
    return [f"{kind}_{value}" for kind in _SIZES for value in values[kind]]


def tempo_index(tempo: Ints) -> Ints:
    """(N,) the index of the nearest tempo by ratio, of microseconds a quarter note above 0."""
    place = np.rint(_MIDDLE + _OCTAVE * np.log2(_DEFAULT / tempo)).astype(np.int64)
    return np.asarray(np.minimum(np.maximum(place, 0), len(TEMPOS) - 1))


def velocity_index(velocity: Ints) -> Ints:
    """(N,) the bin in [0, 16) of velocities in [1, 127]."""
    return velocity // 8


def velocity_of(index: Ints) -> Ints:
    """(N,) the velocity in the middle of each bin."""
    return 8 * index + 4


def bar_steps(over: int, under: int) -> int:
    """The length of a bar of a meter in steps, or 0 where it is no whole number of 1 to LONGEST_BAR steps."""
    steps, rest = divmod(over * WHOLE, under)
    return steps if rest == 0 and 0 < steps <= LONGEST_BAR else 0


def sayable(over: int, under: int) -> bool:
    """Whether the vocabulary has the meter."""
    power = under.bit_length() - 1
    return over <= MAX_METER[0] and under == 1 << power <= 1 << MAX_METER[1] and bar_steps(over, under) > 0


def meter_tokens(over: int, under: int) -> list[int]:
    """The ids that say a sayable meter: one, or three."""
    if (over, under) in METERS:
        return [METER + METERS.index((over, under))]
    return [METER + OTHER, POS + over, POS + under.bit_length() - 1]


def _spelled() -> dict[int, list[int]]:
    """Numerator → powers of two of the denominators that OTHER is for."""
    wanted = {
        over: [power for power in range(MAX_METER[1] + 1) if sayable(over, 1 << power)]
        for over in range(1, MAX_METER[0] + 1)
    }
    others = {over: [power for power in found if (over, 1 << power) not in METERS] for over, found in wanted.items()}
    return {over: found for over, found in others.items() if found}


SPELLED = _spelled()


def page_form() -> dict[str, object]:
    """The vocabulary as plain data, for a page."""
    tables = {"durations": DURATIONS.tolist(), "edges": REMAIN_EDGES.tolist(), "tempos": TEMPOS.tolist()}
    limits = {"parts": PARTS, "longest": LONGEST, "longestBar": LONGEST_BAR, "mostEmpty": MAX_EMPTY}
    meters = {
        "meters": [list(meter) for meter in METERS],
        "spelled": {str(over): found for over, found in SPELLED.items()},
    }
    return {"size": SIZE, "starts": dict(_STARTS), **tables, **limits, **meters}
