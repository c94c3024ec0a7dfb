"""The last bar of a piece whose length was asked for: one chord on its first beat, every part in its turn.

Every part that played lately has a note of the triad of the key, that asked for or that heard; the lowest part begins
with its tonic.
"""

import numpy as np

from seqgen.codecs import Mask
from seqgen.codecs.midi_bar import grammar as g
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.codecs.midi_bar.place import Place
from seqgen.music.controls import Controls
from seqgen.music.tonality import heard_key, triad

LATELY = 4  # bars in which a part has played that takes part in the last chord
_CLASSES = np.arange(128) % 12


class Cadence:
    """What may sound in the last bar.

    Args:
        inner: The grammar.
        controls: Whether there is a length, and the key.
        scale: (128,) the pitches that may sound at all.
    """

    def __init__(self, inner: g.ScoreGrammar, controls: Controls, scale: Mask) -> None:
        self.inner, self.controls, self._scale = inner, controls, scale
        self._timed = controls.bars is not None or controls.seconds is not None

    def here(self, state: Place) -> bool:
        """Whether this is the last bar of a piece whose length was asked for."""
        return self._timed and state.last >= 0 and state.bar == state.last

    def keep(self, mask: Mask, state: Place) -> None:
        """The last bar: one chord on its first beat, every part in its turn."""
        inner, missing = state.inner, self.missing(state)
        mask[v.BAR] = False
        mask[v.POS + 1 : v.PART] = False
        if inner.inside == g.NONE or not self._active(state):
            return
        turn = np.zeros(v.PARTS, np.bool_)
        turn[missing[:1]] = True
        mask[v.PART : v.INST] &= turn
        early = inner.phase in (g.POS, g.TEMPO) and inner.part not in missing[:1]  # another part comes first
        full = inner.phase == g.VALUE and self.inner.every - inner.every <= len(missing)  # the others need the room
        if missing and (early or full):
            mask[v.INST : v.DUR] = False

    def _active(self, state: Place) -> list[int]:
        """The parts that take part in the last chord, in their order."""
        wanted = self.controls.programs
        found = [part for part, bar in enumerate(state.played) if bar >= max(state.last - LATELY, 0)]
        found = [part for part in found if wanted is None or state.inner.programs[part] in wanted]
        return found[: self.inner.every]

    def missing(self, state: Place) -> list[int]:
        """Those of them that are yet to come after what is being said."""
        inner = state.inner
        if inner.phase in (g.POS, g.TEMPO) or inner.inside == g.NONE:
            return self._active(state)
        return [part for part in self._active(state) if part >= inner.low and part != inner.part]

    def pitches(self, state: Place) -> Mask:
        """(128,) the pitches of this part in the last chord."""
        notes = triad(self.controls.tonic or heard_key(state.heard))
        means = {part: state.pitches[part][1] / state.pitches[part][0] for part in self._active(state)}
        lowest = not means or state.inner.part == min(means, key=lambda part: means[part])
        found = self._scale & np.isin(_CLASSES, notes[: 1 if lowest and state.inner.own == 0 else 3])
        return found if found.any() else self._scale
