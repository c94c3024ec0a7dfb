"""Which PART token stands for which part of a piece: by its name where the corpus often has that name, else in order.

A corpus of chorales calls its parts Soprano, Alto, Tenor and Bass in nearly every piece; then each name has a token
of its own, and a model learns what that part does. Parts without such a name take the other tokens in their order.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from seqgen.codecs.midi_bar.vocabulary import PARTS, Ints
from seqgen.music import programs
from seqgen.music.faults import Faults
from seqgen.music.score import DRUMS, Score

OFTEN = 0.05  # of the pieces: a name in fewer gets no token of its own
MOST_NAMED = 12  # tokens with a name; the others are for parts that have none
MAX_NAME = 60  # characters


@dataclass(frozen=True)
class Roster:
    """The names that PART tokens stand for.

    Attributes:
        names: At most MOST_NAMED different ones; token k stands for the k-th, those behind the last for any part.
    """

    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, pieces: Iterable[Score]) -> "Roster":
        """The names that are frequent in pieces, in the order in which these have them."""
        count, places = Counter[str](), Counter[str]()
        total = 0
        for score in pieces:
            total += 1
            names = [name for name in part_names(score) if name]
            for place, name in enumerate(dict.fromkeys(names)):
                count[name] += 1
                places[name] += place
        often = [name for name, found in count.most_common(MOST_NAMED) if found >= max(2, OFTEN * total)]
        return cls(tuple(sorted(often, key=lambda name: (places[name] / count[name], name))))

    @classmethod
    def restored(cls, names: object) -> "Roster":
        """From plain data. Raises ValueError where that makes no sense."""
        if not isinstance(names, list) or len(names) > MOST_NAMED or len(set(map(str, names))) < len(names):
            raise ValueError("names of parts that make no sense")
        if not all(isinstance(name, str) and 0 < len(name) <= MAX_NAME and name.isprintable() for name in names):
            raise ValueError("names of parts that make no sense")
        return cls(tuple(names))

    def slots(self, score: Score, faults: Faults) -> Ints:
        """(N,) the number of the PART token of each note; PARTS for drums. The least busy of too many are joined."""
        names = part_names(score)
        drums = score.program == DRUMS
        busy = np.bincount(score.part[~drums], minlength=len(names))
        table = np.full(len(names), PARTS - 1)
        ranked = np.argsort(-busy, kind="stable")[: np.count_nonzero(busy)]
        chosen = ranked if len(ranked) <= PARTS else ranked[: PARTS - 1]
        faults.mended("part joined with others", len(ranked) - len(chosen))
        for part, slot in zip(np.sort(chosen).tolist(), self._places([names[part] for part in np.sort(chosen)])):
            table[part] = slot
        return np.where(drums, PARTS, table[score.part])

    def _places(self, names: list[str]) -> list[int]:
        """A token for each of at most PARTS names: its own, else the next one without a name, else any."""
        free = [*range(len(self.names), PARTS), *range(len(self.names))]
        known = {name: slot for slot, name in enumerate(self.names)}
        taken = [known.pop(name, None) for name in names]
        rest = iter([slot for slot in free if slot not in taken])
        return [next(rest) if slot is None else slot for slot in taken]

    def titles(self, score: Score) -> dict[str, str]:
        """PART token, as a str for JSON → the name that a piece itself gives to that part; "" is left out."""
        slots = dict(zip(score.part.tolist(), self.slots(score, Faults(None)).tolist()))
        return {str(slot): score.names[part] for part, slot in slots.items() if slot < PARTS and score.names[part]}

    def calling(self, titles: Mapping[str, str]) -> "Roster":
        """The roster whose parts are called by `titles`, as `titles()` tells; for decoding only."""
        own = [*self.names, *[""] * (PARTS - len(self.names))]
        for slot in range(PARTS):
            name = str(titles.get(str(slot), own[slot]))[:MAX_NAME]
            own[slot] = name if name.isprintable() else ""
        return Roster(tuple(own))

    def title(self, slot: int, program: int) -> str:
        """What a part is called whose first program is known; "" for the name of that program."""
        name = self.names[slot] if slot < len(self.names) else ""
        return "" if name in programs.NAMES and name != programs.name(program) else name


def part_names(score: Score) -> list[str]:
    """(P,) the name of each part, that of its program where it has none; "" for drums."""
    found, first = np.unique(score.part, return_index=True)
    names = [""] * len(score.names)
    for part, program in zip(found.tolist(), score.program[first].tolist()):
        names[part] = "" if program == DRUMS else (score.names[part] or programs.name(program))[:MAX_NAME]
    return names
