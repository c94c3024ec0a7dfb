"""Who plays what: the names of parts that are asked for, and the parts of a tune, as the PART tokens of a corpus."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqgen import registry
from seqgen.codecs import Mask
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.codecs.midi_bar.learned import learned_of
from seqgen.codecs.midi_bar.piece import Piece
from seqgen.codecs.midi_bar.roster import Roster, part_names
from seqgen.errors import CorpusError, UsageError
from seqgen.music.score import DRUMS

if TYPE_CHECKING:
    from seqgen.codecs.midi_bar.codec import MidiBar
    from seqgen.codecs.midi_bar.filling import ScoreHole

DRUM_NAME = "drums"


def hole_in(
    codec: "MidiBar", data: bytes, bars: tuple[int, int] | None, parts: Sequence[str] | None, bounds: Mapping[str, int]
) -> "ScoreHole":
    """See `Codec.score_hole`."""
    from seqgen.codecs.midi_bar.filling import ScoreHole

    whole = ScoreHole(data, codec, 0, 0)
    if not len(whole.piece.score):
        raise CorpusError("the piece holds no note", "name a file with music around the hole")
    count = whole.piece.count
    first, last = (1, count) if bars is None else bars
    if last > count:
        raise UsageError(f"the piece has {count} bars, so there is no bar {last}", "count from 1, both bars included")
    if parts is None:
        return ScoreHole(data, codec, first - 1, last - 1)
    return ScoreHole(data, codec, first - 1, last - 1, *cast(codec.roster, whole.piece, parts, bounds))


def hole_of_seconds(codec: "MidiBar", data: bytes, seconds: tuple[float, float]) -> "ScoreHole":
    """See `Codec.hole_of_seconds`: the bars between the bar lines that are nearest to both, at least one."""
    from seqgen.codecs.midi_bar.filling import ScoreHole

    piece = ScoreHole(data, codec, 0, 0).piece
    if not len(piece.score):
        raise CorpusError("the piece holds no note", "name a file with music around the hole")
    lines = np.array([piece.bar_seconds(bar) for bar in range(piece.count + 1)])
    if seconds[0] >= lines[-1]:
        raise UsageError(
            f"the piece is {lines[-1]:.4g} s long, so there is nothing at {seconds[0]:g} s", "count from its beginning"
        )
    first, end = (int(np.abs(lines - each).argmin()) for each in seconds)
    if first >= end:  # within a bar: the one that holds its middle
        first = min(int(np.searchsorted(lines, sum(seconds) / 2, side="right")) - 1, piece.count - 1)
        end = first + 1
    return ScoreHole(data, codec, first, end - 1)


def cast(
    roster: Roster, piece: Piece, wanted: Sequence[str], bounds: Mapping[str, int]
) -> tuple[tuple[int, ...], dict[int, int]]:
    """(the PART tokens of the parts that are wanted, PARTS for drums; those of the piece's parts by their numbers).

    A part of the piece whose name, or place, the corpus does not know takes that of a part that is neither wanted nor
    there already: a tune alone becomes the soprano where alto, tenor and bass are wanted.

    Raises:
        UsageError: The corpus knows no such part, a part is wanted twice, or nothing is left that is given.
    """
    learned = learned_of(bounds)
    played: Mask = np.asarray(learned.played.any(axis=1))
    heard = played if played.any() else np.ones(v.PARTS, np.bool_)
    asked = tuple(_slot(roster, piece, name.strip(), heard) for name in wanted)
    if v.PARTS in asked and not learned.drums:
        raise UsageError("this model never heard drums", registry.nearest("", list(roster.names)))
    if len(set(asked)) < len(asked):
        raise UsageError(f"a part stands twice among {', '.join(wanted)}", "name each part once")
    score = piece.score
    numbers = {int(part): int(slot) for part, slot in zip(score.part, piece.slots)}
    named = {roster.names.index(name) for name in roster.names}
    places: dict[int, int] = {}
    taken = {slot for slot in numbers.values() if slot < v.PARTS and heard[slot]} | set(asked)
    free = [slot for slot in sorted(named) if slot not in taken]
    for part, slot in sorted(numbers.items()):
        if slot == v.PARTS or heard[slot]:
            places[part] = slot
        elif free:
            places[part] = free.pop(0)
        else:
            title = part_names(score)[part] or "a part"
            raise UsageError(f"{title} of the piece is a part that this model never heard", _known(roster))
    if not set(places.values()) - set(asked):
        raise UsageError("every part of the piece is to be made, so none is given", "name fewer parts")
    return asked, places


def heard_names(roster: Roster, bounds: Mapping[str, int]) -> list[str]:
    """The names of the parts that the corpus has; drums among them, where it has any."""
    learned = learned_of(bounds)
    played: Mask = np.asarray(learned.played.any(axis=1))
    names = [name for slot, name in enumerate(roster.names) if played[slot] or not played.any()]
    return [*names, DRUM_NAME] if learned.drums else names


def _slot(roster: Roster, piece: Piece, name: str, heard: Mask) -> int:
    """The PART token of a part by its name."""
    if name.casefold() == DRUM_NAME:
        return v.PARTS
    names = list(roster.names)
    lower = [each.casefold() for each in names]
    if name.casefold() in lower:
        return lower.index(name.casefold())
    near = [slot for slot, each in enumerate(lower) if name and name.casefold() in each]
    if len(near) == 1:
        return near[0]
    own = [part for part, each in enumerate(part_names(piece.score)) if each.casefold() == name.casefold()]
    if own and piece.score.program[piece.score.part == own[0]][0] != DRUMS:
        slot = int(piece.slots[piece.score.part == own[0]][0])
        if heard[slot]:
            return slot
    if len(near) > 1:
        raise UsageError(f"{name!r} may be {' or '.join(names[slot] for slot in near)}", "write the name out")
    raise UsageError(f"no part is called {name!r}: this model never heard it", _known(roster, name))


def _known(roster: Roster, name: str = "") -> str:
    names = [*roster.names, DRUM_NAME]
    return registry.nearest(name, names)
