"""What the tokens of the score vocabulary do to the clock: bars, places in them, parts."""

from seqgen import clock as c
from seqgen.codecs.midi_bar import vocabulary as v


def score_clock() -> c.Clock:
    """(SIZE, 6) for `Codec.clock`.

    BAR stands at a place of its own before the positions, and what a bar states of itself there. At a position a token
    is found by its part, the drums' being behind the others, and by how many tokens of notes stand before it there;
    what is said now and then, a velocity or a program, is not counted.
    """
    clock = c.silent(v.SIZE)
    clock[v.BAR, c.BARS] = 1
    clock[v.POS : v.PART, c.PLACE] = range(2, 2 + v.LONGEST_BAR)
    clock[v.PART : v.INST, c.VOICE] = range(1, 1 + v.PARTS)
    clock[v.DRUM : v.DUR, c.VOICE] = 1 + v.PARTS
    clock[v.PART : v.INST, c.VOICED] = 1
    clock[v.PITCH : v.REMAIN, [c.VOICED, c.COUNTS]] = 1
    return clock
