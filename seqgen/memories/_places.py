"""Where each token of a document stands by a clock (`seqgen.clock`), so that one finds what stood there bars before.

Each token has a place (bar, place in the bar, voice or none, count). A token has a voice where one of its place that is
voiced stood before it, or it is voiced itself. Places never go back within a document: where a token would lead back
within its bar, it stays at the furthest; the count is that of tokens since place or voice last changed.

What stood a number of bars before token t is the last token there at the same place or before it. What followed that
one is what may follow t, if the piece repeats itself.

Here is the rule as a step, in whole numbers, for one stream, and the sizes of `lookback` and `attention`, which read
these places; `_moved` has it over windows of tensors.
"""

from typing import NamedTuple

from seqgen.clock import DOCUMENT, PLACES, VOICES

LAGS = (1, 2, 4, 8)  # bars
WAYS = len(LAGS) + 1  # of looking back: the lags and the match
LONGEST = 31  # tokens of a match that are told apart
WIDTH = 64  # numbers of an id that may follow
WRONG, RIGHT = 1, 2  # what a way said of this token; 0: nothing

COUNTS = 128  # the last stands for all from it on
PLACE = (VOICES + 1) * COUNTS  # how far a place is from the next, as numbers, and a bar
BAR = PLACES * PLACE
NOW = DOCUMENT * BAR  # where this bar begins, so that all numbers are exact in float32; what is below BAR is forgotten
CARRIED = 5  # numbers in a `Hand`

FAR = 17  # bars between two states from which on they are not told apart
SAME = 3  # two states stand at different places in the bar, at the same one, at the same with voice and count

Row = tuple[int, int, int, int, int, int]  # of a clock


class Hand(NamedTuple):
    """Where a stream stands.

    Attributes:
        place: In the bar, as the last token that names one has it.
        furthest: The largest place and voice of this bar, as a number.
        counted: Tokens counted there.
        voice: The voice of the hour.
        voiced: 1 where a token of this place was voiced.
    """

    place: int = 0
    furthest: int = 0
    counted: int = 0
    voice: int = 0
    voiced: int = 0


def moved(hand: Hand, row: Row) -> tuple[int, Hand]:
    """(how many bars began, where the stream stands) after a token of a clock's row."""
    bars, place, advance, voice, voiced, counts = row
    leads = bars > 0 or place > 0
    to = max(place - 1, 0) if leads else hand.place + advance
    bars, to = bars + to // PLACES, to % PLACES
    now = hand.voice if voice == 0 else voice - 1
    inside = int(bool(voiced) or bool(hand.voiced and not (leads or advance or bars)))
    reached = to * PLACE + (now + 1 if inside else 0) * COUNTS
    before = 0 if bars else hand.furthest
    furthest = max(reached, before)
    same = not bars and furthest == hand.furthest
    counted = min((hand.counted if same else 0) + counts, COUNTS - 1)
    return bars, Hand(to, furthest, counted, now, inside)
