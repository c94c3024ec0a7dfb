"""Da capo and dal segno: the order in which bars are played, repeats followed, gets what is played once more.

What is played again has no repeats, and of endings the last one; it ends with the bar that says so (fine), else with
the one that leads back, and `to coda` leads on to the coda. Without `coda` the bars behind the jump follow.
"""

from collections.abc import Sequence
from itertools import groupby

from seqgen.music.faults import Faults
from seqgen.music.notation.bars import Bar

CAPO, SEGNO = "dacapo", "dalsegno"  # jumps, and marks of the bars that they concern, as MusicXML calls them
MARKS = (CAPO, SEGNO, "segno", "fine", "tocoda", "coda")
MOST = 8  # jumps that are followed


def followed(order: Sequence[int], bars: Sequence[Bar], faults: Faults) -> list[int]:
    """Indices of bars in the order in which they are played, jumps followed.

    Args:
        order: The same with repeats alone.
        bars: What they say of jumps stands in `marks`.
        faults: Counts jumps that lead nowhere.
    """
    jumps = [at for at, bar in enumerate(bars) if CAPO in bar.marks or SEGNO in bar.marks]
    if not jumps:
        return list(order)
    faults.left_out("jump", max(0, len(jumps) - MOST))
    final = _final(bars)
    result, begin = list[int](), 0
    for jump in jumps[:MOST]:
        places = [place for place in range(begin, len(order)) if order[place] == jump]
        first = 0 if CAPO in bars[jump].marks else _segno(bars, jump)
        if not places or first is None:
            faults.left_out("jump")
            continue
        again, coda = _again(bars, first, jump, final)
        result += [*order[begin : places[-1] + 1], *again]
        begin = places[-1] + 1
        if coda is not None:
            begin = next((place for place in range(begin, len(order)) if order[place] >= coda), len(order))
    return [*result, *order[begin:]]


def _segno(bars: Sequence[Bar], jump: int) -> int | None:
    """The last segno up to the jump."""
    return next((at for at in range(jump, -1, -1) if "segno" in bars[at].marks), None)


def _again(bars: Sequence[Bar], first: int, jump: int, final: Sequence[bool]) -> tuple[list[int], int | None]:
    """What is played from a bar on up to the fine or the jump, and the bar of the coda that it leads to."""
    found = list[int]()
    for at in range(first, jump + 1):
        if not final[at]:
            continue
        found.append(at)
        if "fine" in bars[at].marks:
            break
        if "tocoda" in bars[at].marks:
            coda = next((other for other in range(at + 1, len(bars)) if "coda" in bars[other].marks), None)
            if coda is not None:
                return found, coda
    return found, None


def _final(bars: Sequence[Bar]) -> list[bool]:
    """For each bar whether it is played the last time: without an ending, or in the last of those together."""
    result = list[bool]()
    for ended, together in groupby(bars, key=lambda bar: bool(bar.endings)):
        endings = [bar.endings for bar in together]
        last = max((max(each) for each in endings if each), default=0)
        result += [not ended or last in each for each in endings]
    return result
