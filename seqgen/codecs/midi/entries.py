"""Entries: each instrument that a piece was asked to have comes in, and comes again, whatever the model likes.

A group is what one word of the list asked for: `bass` is eight programs, one of which is enough. One group after the
other comes in within two seconds, and none is silent for longer than eight; short pieces have less patience. A group
that is late gets the first sound of the next onset.
"""

from seqgen.codecs import Mask
from seqgen.codecs.midi import grammar as g
from seqgen.codecs.midi import vocabulary as v
from seqgen.music.controls import Controls
from seqgen.music.score import DRUMS

ENTRY, PATIENCE = 2 * v.SECOND, 8 * v.SECOND  # steps between entries, and of silence
Due = tuple[int, ...]


class Entries:
    """When each group has to sound.

    Args:
        controls: The groups, and the length of the piece.
        begin: The step from which on they are waited for.
    """

    def __init__(self, controls: Controls, begin: int) -> None:
        self.groups, self.begin = controls.groups, begin
        length = float("inf") if controls.seconds is None else controls.seconds * v.SECOND
        self._entry = int(min(ENTRY, length / (2 * len(self.groups) + 2)))
        self._patience = int(min(PATIENCE, length / 4))

    def first(self) -> Due:
        """The step by which each group is to sound, at the beginning."""
        return tuple(self.begin + self._entry * (number + 1) for number in range(len(self.groups)))

    def after(self, due: Due, program: int, elapsed: int) -> Due:
        """The same once a program, or DRUMS, has sounded."""
        later = max(elapsed, self.begin) + self._patience
        return tuple(later if program in group else step for step, group in zip(due, self.groups))

    def insist(self, mask: Mask, inner: g.State, due: Due, elapsed: int) -> None:
        """Of the sounds that may come leave those of the group that is late for longest; others where it has none."""
        if not (due and inner.fresh and min(due) <= elapsed):
            return
        group = self.groups[due.index(min(due))]
        kept = mask.copy()
        if DRUMS in group and inner.phase != g.CHOSEN:
            kept[v.INST : v.VEL] = kept[v.PITCH : v.DUR] = kept[v.PEDAL :] = False
        else:
            kept[v.DRUM : v.PEDAL] = False
            for program in range(v.VEL - v.INST):
                kept[v.INST + program] &= program in group
            if inner.program not in group:
                kept[v.VEL : v.DUR] = kept[v.PEDAL :] = False
        if kept.any():
            mask[:] = kept
