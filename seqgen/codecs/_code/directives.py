"""Lines for a preprocessor: the names of conditionals, their branches, and prose in `#if 0`.

Branches of a conditional (`#if … #else … #endif`) each begin with the brackets that were open before it; what the last
one leaves open stays open. So one brace may be opened in both branches and closed once behind them. What stands in
`#if 0` is prose: only comments, literals and conditionals are looked at, and a literal ends with its line.
"""

from collections.abc import Iterable

from seqgen.codecs._code.state import BLANK, FRAMES, Reading, State

OPENS_FRAME = frozenset({"#if", "#ifdef", "#ifndef"})
NEXT_BRANCH = frozenset({"#else", "#elif", "#elifdef", "#elifndef"})
CONDITIONALS = OPENS_FRAME | NEXT_BRANCH | {"#endif"}
PREFIXES = frozenset(name[:end] for name in CONDITIONALS for end in range(1, len(name) + 1))
ZERO = ("#if ", "#if 0")  # places on the way to prose


class Directives:
    """The directives of one language.

    Args:
        others: The names of those that are no conditionals.
        letters: What names are made of.
        tidy: Whether each branch of a conditional has to close what it opens.
    """

    def __init__(self, others: Iterable[str], letters: frozenset[str], tidy: bool) -> None:
        self._letters, self._tidy = letters, tidy
        begun = {f"#{name}"[:end] for name in others for end in range(1, len(name) + 2)}
        # From here on a name can be no other's: `#en` is the beginning of an `#endif`, unless there is an `#endregion`.
        self._decisive = {
            next(name[:end] for end in range(2, len(name) + 1) if name[:end] not in begun)
            for name in (*NEXT_BRANCH, "#endif")
        }

    def named(self, state: State, char: str) -> Reading:
        """In the name of a directive, of which only those of conditionals matter, or behind `#if`."""
        place = state.place
        if place in ZERO:
            if char == "0" and place == "#if ":
                return state._replace(place="#if 0"), True, True
            return (state if char in " \t\r\n/\\" else state._replace(place="directive")), True, False
        if place + char in PREFIXES:
            return state._replace(place=place + char), self._may_be(place + char, state), True
        if place == "#" and char in BLANK:
            return state, True, True
        if place not in CONDITIONALS or char in self._letters:
            return state._replace(place="directive"), True, False
        after = _branch(place, state)
        if place == "#if" and char in BLANK and not state.prose:
            return after._replace(place="#if "), True, True
        return after, True, False

    def _may_be(self, name: str, state: State) -> bool:
        """Whether a directive may begin so: none for a conditional that is not open, and not too many."""
        if name == "#if":
            return state.prose + len(state.frames) < FRAMES
        if name not in self._decisive:
            return True
        return bool(state.frames) and (not self._tidy or state.prose > 0 or state.stack == state.frames[-1])


def _branch(name: str, state: State) -> State:
    """The state in the rest of the line after the conditional `name`."""
    stack, frames, prose = state.stack, state.frames, state.prose
    if name in OPENS_FRAME:
        if prose:
            return state._replace(place="directive", prose=min(prose + 1, FRAMES))
        return state._replace(place="directive", frames=(*frames, stack)[-FRAMES:])
    if prose > 1:
        return state._replace(place="directive", prose=prose - (name == "#endif"))
    if name in NEXT_BRANCH:
        return state._replace(place="directive", stack=frames[-1] if frames else stack, prose=0)
    return state._replace(place="directive", frames=frames[:-1], prose=0)
