"""Voices that are made, bar by bar: one note at a time, never silent while others sound, in order (`voices`).

A voice that is never silent in the corpus while others sound is not silent here: where its note ends it sings the next
one, and no other before. What is made may be all of a few bars, or some parts beside others that are given.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs import Mask
from seqgen.codecs.midi_bar import grammar as g
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.codecs.midi_bar.parting import Apart
from seqgen.codecs.midi_bar.voices import NOTHING, Lately, Note, Voices, sung

# Phases in which no note is half said: what comes next may be another one, or the next bar.
_BETWEEN = (g.REMAIN, g.POS, g.TEMPO, g.VALUE, g.DRUM, g.NAMED, g.CHOSEN, g.LOUD, g.CHOSEN_LOUD)


@dataclass(frozen=True, eq=False)
class Held:
    """What notes in a hole keep to.

    Attributes:
        parts: (PARTS + 1,) which may play, drums being the last.
        programs: (PARTS, 128) which programs each may have.
        ranges: (PARTS, 128) which pitches each may have.
    """

    parts: Mask
    programs: NDArray[np.bool_]
    ranges: NDArray[np.bool_]

    def keep(self, mask: Mask, state: g.State) -> None:
        """Take from a mask (SIZE,) what does not keep to it."""
        part = max(state.part, 0)
        mask[v.PART : v.INST] &= self.parts[: v.PARTS]
        mask[v.INST : v.VEL] &= self.programs[part]
        mask[v.PITCH : v.DRUM] &= self.ranges[part] & self.parts[part]
        mask[v.DRUM : v.DUR] &= self.parts[v.PARTS]
        if not (mask[v.PITCH : v.DUR].any() or state.phase in (g.NAMED, g.CHOSEN)):
            mask[v.VEL : v.PITCH] = False


class Sung(NamedTuple):
    """What voices sang so far.

    Attributes:
        ends: For each part the step, from the beginning of the bar, at which its last note ends.
        lately: What each part sang last, in steps from the beginning of the first bar.
    """

    ends: tuple[int, ...] = (0,) * v.PARTS
    lately: Lately = NOTHING


@dataclass(frozen=True, eq=False)
class Singing:
    """What voices keep to.

    Attributes:
        held: What notes keep to.
        quiet: For each bar, (steps,) whether nothing has to sound.
        sounding: The voices that are not silent while something has to sound.
        voices: What they keep to among each other; None: nothing.
    """

    held: Held
    quiet: Sequence[NDArray[np.bool_]]
    sounding: Sequence[int]
    voices: Voices | None

    @cached_property
    def begins(self) -> list[int]:
        """The step at which each bar begins, and the last one ends."""
        return [0, *accumulate(len(quiet) for quiet in self.quiet)]

    @cached_property
    def _all_voices(self) -> bool:
        return set(np.flatnonzero(self.held.parts).tolist()) <= set(self.sounding)

    def room(self, mask: Mask, inner: g.State, bar: int, sung: Sung) -> int:
        """Steps from the beginning of the bar that a note may last; takes pitches from a mask (SIZE,) besides."""
        begin = self.begins[bar]
        end, step = self.begins[-1], begin + max(inner.inside, 0)
        if self.voices is not None and inner.part >= 0:
            self.voices.keep(mask, inner.part, step, sung.lately)
            if inner.phase in (g.PITCH, g.TIE, g.VALUE):
                end = min(end, self.voices.room(inner.part, inner.pitch - 1, step))
        return end - begin

    def keep(self, mask: Mask, inner: g.State, bar: int, sung: Sung) -> bool:
        """Take from a mask (SIZE,) what would have a voice sing two notes or none; whether the bar may be over."""
        if not self.sounding:
            return True
        self._one_by_one(mask, inner, sung)
        return self._insist(mask, inner, bar, sung)

    def heard(self, before: Sung, token: int, inner: g.State, bar: int) -> Sung:
        """The same after a token of a bar; `inner` is where the grammar stands behind it."""
        if not (v.DUR <= token < v.TIE and inner.part >= 0):
            return before
        ends, part = before.ends, inner.part
        end = max(inner.inside, 0) + inner.length
        begin = self.begins[bar] + end - inner.length
        lately = sung(before.lately, part, Note(begin, self.begins[bar] + end, inner.pitch - 1))
        return Sung((*ends[:part], max(end, ends[part]), *ends[part + 1 :]), lately)

    def next_bar(self, before: Sung, bar: int) -> Sung:
        """The same from the beginning of the bar behind a bar on."""
        steps = len(self.quiet[bar])
        return before._replace(ends=tuple(max(end - steps, 0) for end in before.ends))

    def _one_by_one(self, mask: Mask, inner: g.State, sung: Sung) -> None:
        """Take from a mask (SIZE,) what would have a voice sing two notes at once."""
        here = max(inner.inside, 0)
        for part in self.sounding:
            if sung.ends[part] > here:
                mask[v.PART + part] = False
                if inner.part == part:
                    mask[v.INST : v.DRUM] = False
        if self._all_voices:  # no position at which none of them can begin
            mask[v.POS : v.POS + max(min(sung.ends[part] for part in self.sounding), 0)] = False

    def _insist(self, mask: Mask, inner: g.State, bar: int, sung: Sung) -> bool:
        """Take from a mask (SIZE,) what would leave a part silent; whether the bar may be over."""
        quiet = self.quiet[bar]
        if inner.phase not in _BETWEEN:
            return True
        here = inner.inside
        wanted = {part: _next(quiet, sung.ends[part]) for part in self.sounding}
        limit = min(wanted.values())
        due = [part for part, at in wanted.items() if at <= here]
        if not due:
            mask[v.POS + min(limit, len(quiet) - 1) + 1 : v.PART] = False
            return limit >= len(quiet)
        kept = mask.copy()
        first = min(due)
        kept[v.POS : v.PART] = kept[v.DRUM : v.DUR] = False
        kept[v.PART + first + 1 : v.INST] = False
        if inner.part > first and inner.phase not in (g.NAMED, g.CHOSEN, g.LOUD, g.CHOSEN_LOUD):
            kept[v.INST : v.DRUM] = False
        if kept.any():
            mask[:] = kept
            return False
        mask[v.POS + here + 2 : v.PART] = False  # it can play at this position no more: at the next one
        return True


def _next(quiet: NDArray[np.bool_], step: int) -> int:
    """The first step from one on at which something has to sound; the length of the bar where nothing does."""
    sounds = np.flatnonzero(~quiet[step:])
    return step + int(sounds[0]) if len(sounds) else max(len(quiet), step)


def sung_before(apart: Apart, begins: NDArray[np.int64], bar: int) -> Sung:
    """What the parts of a piece sang before a bar, in steps from its beginning.

    Args:
        apart: The piece.
        begins: (bars + 1,) the step at which each bar begins, and the last one ends.
        bar: Its number.
    """
    rows, found = apart.rows, NOTHING
    own = np.flatnonzero((rows.part >= 0) & (rows.part < v.PARTS) & (rows.bar < bar))
    at = begins[rows.bar[own]] + rows.inside[own] - begins[bar]
    ends = np.zeros(v.PARTS, np.int64)
    for row, begin in zip(own[np.argsort(at, kind="stable")].tolist(), np.sort(at, kind="stable").tolist()):
        part, end = int(rows.part[row]), begin + int(rows.length[row])
        found, ends[part] = sung(found, part, Note(begin, end, int(rows.pitch[row]))), max(ends[part], end)
    return Sung(tuple(ends.tolist()), found)
