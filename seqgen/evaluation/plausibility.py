"""Whether sampled music is music: measures of one piece, samples beside a corpus by quartiles. Knows scores, no models.

Each measure is one number of one piece. Corpus and samples are measured by this same code, so that what it cannot know
(what a bar is, which notes a rhythm is made of) is wrong in both alike.

Bars follow the meter map of the score; a change of meter begins a new bar. What was played is mostly 4/4 at a tempo
that nobody played in: its bars say little, and `meaningful` leaves out what hangs on them and on the grid.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seqgen.music import programs
from seqgen.music.bar_similarity import LAGS, Bars
from seqgen.music.bounds import OF_A_PART, TOGETHER, most_together
from seqgen.music.controls import SCALES
from seqgen.music.metric import NEAR, WRITTEN, on_beats
from seqgen.music.score import DRUMS, Score
from seqgen.music.tonality import heard_key

SIXTEENTHS, TRIPLETS = (0, 1 / 4, 1 / 2, 3 / 4, 1), (1 / 3, 2 / 3)  # quarter notes
SIMILARITIES = ("bar_similarity_best", *(f"bar_similarity_{lag}" for lag in LAGS))
BY_BEATS = ("on_sixteenths", "on_triplets", *SIMILARITIES)
NAMES = (
    "in_key", "on_sixteenths", "on_triplets", "empty_bars", "repeated_notes", "notes_together",
    "notes_of_a_part_together", "strange_programs", "strange_parts", "notes_per_second", *SIMILARITIES,
)  # fmt: skip
TITLES = {
    "in_key": "in key", "on_sixteenths": "on sixteenths", "on_triplets": "on triplets", "empty_bars": "empty bars",
    "repeated_notes": "repeated notes", "notes_together": "most notes at once",
    "notes_of_a_part_together": "most of one part", "strange_programs": "strange programs",
    "strange_parts": "strange parts", "notes_per_second": "notes a second",
    "bar_similarity_best": "bar, best earlier", **{f"bar_similarity_{lag}": f"bar, {lag} before" for lag in LAGS},
}  # fmt: skip
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

Part = tuple[int, str]  # program and name
Measures = dict[str, float | None]  # None: the piece has nothing to measure it by


@dataclass(frozen=True)
class Spread:
    """How one measure lies over pieces.

    Attributes:
        pieces: How many have it.
        low, lower, median, upper, high: The quantiles .05, .25, .5, .75, .95.
    """

    pieces: int
    low: float
    lower: float
    median: float
    upper: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of one value or more."""
        return cls(len(values), *np.quantile(np.array(values, np.float64), QUANTILES).tolist())

    def holds(self, value: float) -> bool:
        """Whether a value lies within the quartiles."""
        return self.lower - 1e-9 <= value <= self.upper + 1e-9

    def to_json(self) -> dict[str, float]:
        """Plain data under stable names."""
        middle = {"lower_quartile": self.lower, "median": self.median, "upper_quartile": self.upper}
        return {"pieces": self.pieces, "p05": self.low, **middle, "p95": self.high}


@dataclass(frozen=True)
class Compared:
    """One measure of a corpus and of samples; `inside`: the samples' median lies within the corpus's quartiles."""

    name: str
    corpus: Spread
    samples: Spread

    @property
    def inside(self) -> bool:
        """Whether the samples' median lies within the corpus's quartiles."""
        return self.corpus.holds(self.samples.median)

    def to_json(self) -> dict[str, object]:
        """Plain data under stable names."""
        return {"corpus": self.corpus.to_json(), "samples": self.samples.to_json(), "inside": self.inside}


@dataclass(frozen=True)
class Heard:
    """The programs and parts of pieces, and in how many pieces each is. A part is a program and a name."""

    programs: Counter[int]
    parts: Counter[Part]

    @classmethod
    def of(cls, scores: Sequence[Score], seen: frozenset[int] | None = None) -> "Heard":
        """What is in pieces, and the programs that training is known to have seen besides."""
        known, parts = Counter[int](), Counter[Part]()
        for score in scores:
            own = _parts(score)
            known.update({program for program, _ in own})
            parts.update(set(own))
        known.update(dict.fromkeys(seen or (), 2))
        return cls(known, parts)

    def strangers(self, score: Score, least: int = 1) -> tuple[float, float]:
        """The shares of notes of programs, and of parts, that are in fewer than `least` pieces."""
        own = _parts(score)
        program = np.array([self.programs[number] < least for number, _ in own])
        part = np.array([self.parts[each] < least for each in own])
        return float(program[score.part].mean()), float(part[score.part].mean())


def measure(score: Score) -> Measures:
    """Every measure of a piece with a note or more, but those of strangers, which hang on a corpus.

    - `in_key`: the share of the sounding time of pitched notes that lies in the scale of the piece's key: the major or
      the natural minor scale of the best of 24 keys (Krumhansl & Kessler 1982, see `seqgen.music.tonality`), by
      the same times. With the tonic estimated, it is the pitch-in-scale rate of MusPy (Dong et al. 2020).
    - `on_sixteenths`, `on_triplets`: the share of notes that begin within 1/96 quarter of a sixteenth; of the second or
      third eighth of a triplet, which no sixteenth is near.
    - `empty_bars`: the share of bars, from the beginning to the end of the last note, in which nothing sounds (the
      empty bars, EB, of MuseGAN, Dong et al. 2018).
    - `repeated_notes`: of the pitched notes of a part but its first, the share whose key also began at the instant
      before in that part (the unison intervals of jSymbolic's "Repeated Notes", McKay 2010, for chords too).
    - `notes_together`, `notes_of_a_part_together`: the most notes that begin on one tick.
    - `notes_per_second`: notes over the time from the first onset to the end of the last note.
    - `bar_similarity_…`: see `seqgen.music.bar_similarity`.
    """
    bars = Bars.of(score)
    together = _together(score)
    end = score.onset + score.duration
    begins, stops = score.seconds(np.array([score.onset.min(), end.max()])).tolist()
    return {
        "in_key": _in_key(score),
        "on_sixteenths": _on(score, SIXTEENTHS),
        "on_triplets": _on(score, TRIPLETS),
        "empty_bars": bars.empty(),
        "repeated_notes": _repeated(score),
        "notes_together": float(together[TOGETHER]),
        "notes_of_a_part_together": float(together[OF_A_PART]),
        "notes_per_second": len(score) / max(stops - begins, 1e-3),
        **dict(zip(SIMILARITIES, bars.similarities())),
    }


def meaningful(corpus: Sequence[Score]) -> tuple[str, ...]:
    """The measures that mean something: without those of beats and bars where most pieces' onsets lie on no beats.

    Empty bars stay: they are silences, of two seconds where the file says no tempo.
    """
    written = sum(on_beats(score) > WRITTEN for score in corpus)
    return NAMES if 2 * written > len(corpus) else tuple(name for name in NAMES if name not in BY_BEATS)


def beside(corpus: Sequence[Score], samples: Sequence[Score], heard: Heard | None = None) -> list[Compared]:
    """The measures that mean something, of samples beside a corpus; those that no piece of either has are left out.

    Args:
        corpus: Pieces with a note or more. Strange to a piece of them is what is in no other piece.
        samples: The same. Strange to a sample is what is in no piece of the corpus.
        heard: What is in the whole corpus, where `corpus` is a part of it.
    """
    heard = heard or Heard.of(corpus)
    real, made = ([_all(score, heard, least) for score in scores] for scores, least in ((corpus, 2), (samples, 1)))
    found = []
    for name in meaningful(corpus):
        sides = [[value for each in side if (value := each[name]) is not None] for side in (real, made)]
        if all(sides):
            found.append(Compared(name, Spread.of(sides[0]), Spread.of(sides[1])))
    return found


def doubled(score: Score) -> int:
    """How many notes begin with another one of the same key of the same part."""
    keys = np.stack((score.onset, score.part, score.pitch.astype(np.int64)))
    return len(score) - int(np.unique(keys, axis=1).shape[1])


def _all(score: Score, heard: Heard, least: int) -> Measures:
    strange = heard.strangers(score, least)
    return {**measure(score), "strange_programs": strange[0], "strange_parts": strange[1]}


def _parts(score: Score) -> list[Part]:
    """(P,) the program and the name of each part; one without a name has that of its program."""
    count = int(score.part.max(initial=-1)) + 1
    program = np.zeros(count, np.int64)
    program[score.part] = score.program
    names = [*score.names, *[""] * count][:count]
    return [
        (number, "" if number == DRUMS else name or programs.name(number))
        for number, name in zip(program.tolist(), names)
    ]


def _in_key(score: Score) -> float | None:
    pitched = score.program != DRUMS
    classes = score.pitch[pitched].astype(np.int64) % 12
    sounding = np.bincount(classes, score.duration[pitched], minlength=12).astype(np.int64)
    if not sounding.any():
        return None
    tonic, minor = heard_key(tuple(sounding.tolist()))
    scale = (np.array(SCALES["minor" if minor else "major"]) + tonic) % 12
    return float(sounding[scale].sum() / sounding.sum())


def _on(score: Score, places: Sequence[float]) -> float:
    phase = (score.onset % score.ticks_per_quarter) / score.ticks_per_quarter
    return float((np.abs(phase[:, None] - np.array(places)).min(axis=1) <= NEAR + 1e-9).mean())


def _repeated(score: Score) -> float | None:
    count = possible = 0
    for part in np.unique(score.part[score.program != DRUMS]).tolist():
        own = score.part == part
        _, instant = np.unique(score.onset[own], return_inverse=True)
        keys = np.unique(instant * 128 + score.pitch[own])
        count += int(np.isin(keys, keys + 128).sum())
        possible += int((keys >= 128).sum())
    return count / possible if possible else None


def _together(score: Score) -> dict[str, int]:
    order = np.lexsort((score.part, score.onset))
    return most_together(score.onset[order], score.part[order])


def most(scores: Sequence[Score]) -> dict[str, int]:
    """The most notes that begin on one tick in any of some pieces, as `bounds.most_together` names them."""
    found: list[dict[str, int]] = [_together(score) for score in scores if len(score)]
    return {name: max((each[name] for each in found), default=0) for name in (TOGETHER, OF_A_PART)}
