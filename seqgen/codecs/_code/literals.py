"""Comments and literals from within: what may stand in them, and where they end."""

from collections.abc import Mapping

from seqgen.codecs._code.language import Region
from seqgen.codecs._code.state import BLANK, CONTROL, DEPTH, HOLE, WORD, Reading, State

ESCAPED = "\\"
OTHER = '"'  # the class of a literal


class Literals:
    """The comments and literals of one language.

    Args:
        regions: By what they begin with.
        classes: What begins a literal → the class of a whole one, where it is not that of the others.
    """

    def __init__(self, regions: Mapping[str, Region], classes: Mapping[str, str]) -> None:
        self._regions, self._classes = regions, classes

    def entered(self, state: State, opens: str) -> State:
        """The state where a comment or literal has begun."""
        region = self._regions[opens]
        if not region.closes:
            return state
        if region.comment:
            return state._replace(inside=opens, layout=state.layout.commented())
        place = "directive" if state.place == "directive" else "code"
        return state._replace(inside=opens, place=place, progress=opens if region.filled else "")

    def inside(self, state: State, char: str) -> Reading:
        """In a comment or a literal."""
        region, progress = self._regions[state.inside], state.progress
        if region.delimited and not state.fence:
            return _delimiter(state, char)
        if progress == ESCAPED:
            again = char == "\r" or (region.comment and char == ESCAPED)
            return (state if again else state._replace(progress="")), char not in CONTROL, True
        if region.named and not state.fence:
            if char != region.escape or progress:
                return self._perhaps_named(state, char)
            state = state._replace(fence=ESCAPED)
        if state.fence == "'" and char != "'":  # one sign is all that it holds
            return state, False, True
        if region.doubled and progress:
            after = state._replace(progress="")
            return (after, True, True) if char == region.closes else (self._left(after, region), True, False)
        if char == region.escape and region.escape:
            return state._replace(progress=ESCAPED), True, True
        if char == "\n" and not region.lines:
            return self._left(state, region), region.comment or state.loose, False
        if region.filled and progress:
            if char == region.closes:
                return self._left(state, region), state.loose, True
            state = state._replace(progress="")
        if region.classes and (char in "[]" or state.fence):
            fence = "[" if char == "[" else "" if char == "]" else state.fence
            return state._replace(fence=fence), char not in CONTROL, True
        return self._ending(state, region, char)

    def _ending(self, state: State, region: Region, char: str) -> Reading:
        """In a comment or literal that may end, or hold another or code."""
        read = state.progress + char
        closes = f"){state.fence[1:]}{region.closes}" if region.delimited else region.closes
        if read.endswith(closes):
            if region.doubled:
                return state._replace(progress=closes), True, True
            if region.nests and state.fence:
                return state._replace(progress="", fence=state.fence[1:]), True, True
            return self._left(state, region), True, True
        if region.nests and read.endswith(region.opens):
            full = len(state.fence) >= DEPTH
            return state._replace(progress="", fence=state.fence if full else state.fence + "*"), not full, True
        if region.holes and read.endswith(region.holes):
            full = len(state.stack) >= DEPTH
            opened = state._replace(inside="", progress="", stack=state.stack + HOLE, last="{")
            return (state._replace(progress=""), False, True) if full else (opened, True, True)
        goals = (closes, region.opens if region.nests else "", region.holes)
        kept = next((read[at:] for at in range(len(read)) if any(goal.startswith(read[at:]) for goal in goals)), "")
        loose = region.lines or region.comment or char != "\r" or state.loose
        return (state if kept == state.progress else state._replace(progress=kept)), loose and char not in CONTROL, True

    def _perhaps_named(self, state: State, char: str) -> Reading:
        """Behind a quote that may begin a character or a name, and behind the first letter of either."""
        progress = state.progress
        if not progress:
            if char in WORD:
                return state._replace(progress="w"), True, True
            return state._replace(fence="'"), char not in CONTROL | {"'", "\n"}, True
        if char == "'":
            return self._left(state, self._regions[state.inside]), True, True
        if char in WORD:
            return state, True, True
        return state._replace(inside="", progress="", last="w"), True, False

    def _left(self, state: State, region: Region) -> State:
        """Behind a comment or literal."""
        last = state.last if region.comment or state.loose else self._classes.get(region.opens, OTHER)
        return state._replace(inside="", progress="", fence="", last=last)


def _delimiter(state: State, char: str) -> Reading:
    """In the delimiter of a raw literal, up to its bracket."""
    if char == "(":
        return state._replace(fence="(" + state.progress, progress=""), True, True
    fine = char not in CONTROL | BLANK | set(")\\\n") and len(state.progress) < 16
    return state._replace(progress=state.progress + char if fine else state.progress), fine, True
