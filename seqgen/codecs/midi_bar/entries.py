"""Entries: each instrument that a piece was asked to have comes in, and comes again, whatever the model likes.

A group is what one word of the list asked for: `bass` is eight programs, one of which is enough. One group after the
other comes in, a bar apart, and none is silent for longer than four bars; short pieces have less patience. A group
that is late gets the first sound of the next position, and the bar does not end before it.
"""

import numpy as np

from seqgen.codecs import Mask
from seqgen.codecs.midi_bar import grammar as g
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.music.score import DRUMS

PATIENCE = 4  # bars of silence

Due = tuple[int, ...]


class Entries:
    """When each group has to sound.

    Args:
        groups: Sets of programs.
        begin: The bar from which on they are waited for.
        bars: How many bars there are; None: not known.
    """

    def __init__(self, groups: tuple[frozenset[int], ...], begin: int, bars: int | None = None) -> None:
        self.groups, self.begin = groups, begin
        self._apart = bars is None or bars > 2 * len(groups)
        self._patience = PATIENCE if bars is None else max(1, min(PATIENCE, bars // 3))

    def first(self) -> Due:
        """The bar by which each group is to sound, at the beginning."""
        return tuple(self.begin + (number if self._apart else 0) for number in range(len(self.groups)))

    def after(self, due: Due, program: int, bar: int) -> Due:
        """The same once a program, or DRUMS, has sounded."""
        later = max(bar, self.begin) + self._patience
        return tuple(later if program in group else late for late, group in zip(due, self.groups))

    def insist(self, mask: Mask, inner: g.State, due: Due, bar: int) -> None:
        """Of the sounds that may come leave those of the group that is late for longest; others where it has none."""
        if not due or min(due) > bar:
            return
        mask[v.BAR] &= not mask[v.POS : v.PART].any()
        if inner.inside == g.NONE or inner.every:
            return
        if inner.tempo != g.NONE and mask[v.PART : v.DUR].any():  # else a tempo would be all that stands here
            mask[v.TEMPO : v.POS] = False
        group = self.groups[due.index(min(due))]
        kept = mask.copy()
        if DRUMS in group and inner.phase not in (g.NAMED, g.CHOSEN, g.CHOSEN_LOUD):
            kept[v.PART : v.VEL] = kept[v.PITCH : v.DRUM] = False
        else:
            kept[v.DRUM : v.DUR] = False
            kept[v.INST : v.VEL] &= np.isin(np.arange(128), list(group))
            kept[v.PART : v.INST] &= _parts(kept[v.PART : v.INST], inner.programs, group)
            if inner.part == g.NONE or inner.programs[inner.part] not in group:
                kept[v.VEL : v.DRUM] = False
        if kept.any():
            mask[:] = kept


def _parts(allowed: Mask, programs: tuple[int, ...], group: frozenset[int]) -> Mask:
    """(PARTS,) the parts of a group; else those that have no program yet; else any, whose program can be changed."""
    for wanted in ([program in group for program in programs], [program == g.NONE for program in programs]):
        found = np.array(wanted) & allowed
        if found.any():
            return found
    return allowed
