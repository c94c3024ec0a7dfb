"""How long a regular expression may take, told from its structure: whether some text can be read along many paths.

A pattern becomes a position automaton: a state for each character it reads, and an edge where one may follow another.
A backtracking matcher is slower than linear where a word leads from a state p back to p, from p to another state q,
and from q back to q (two repeats that share the text between them), and exponential where one word leads around one
loop in two ways (Weideman, van der Merwe, Berglund, Watson, 2016). A search tries every place: it is the pattern behind
a repeat of anything.

What is left out makes the answer stricter, never milder: look-around but of one character, word boundaries, and that
atomic groups of more than one character do not go back.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from re import _constants as sre
from re import _parser

MANY = 256  # a repeat of at most so many is a constant factor
SAMPLE = [*map(chr, range(256)), "\u0660", "\u03b1", "\u2003", "\u266f", "\u4e2d"]  # a character of each kind
NOTHING: frozenset[str] = frozenset()
Chars = frozenset[str]
Place = tuple[int, Chars]  # a state, and the characters that must not come next on the way out of it, or into it


@dataclass
class Part:
    """A piece of a pattern: the states it may begin and end with, and the ways through it that read nothing."""

    first: list[Place] = field(default_factory=list)
    last: list[Place] = field(default_factory=list)
    empty: list[Chars] = field(default_factory=list)


class Automaton:
    """The states and edges of a pattern.

    Attributes:
        reads: The characters that lead into each state.
        edges: (from, to) → a set of characters for each way.
        accepting: The states at which a match may end without looking at what follows.
    """

    def __init__(self, pattern: str | bytes, flags: int = 0, search: bool = False, whole: bool = False) -> None:
        tree = _parser.parse(pattern, flags)
        self.flags, self._text = tree.state.flags, isinstance(pattern, str)
        self.all = frozenset(SAMPLE if self._text else SAMPLE[:256]) | set(_named(tree))
        self.reads: list[Chars] = []
        self.edges: dict[tuple[int, int], list[Chars]] = {}
        items = list(tree)
        self._ends = whole or any(op is sre.AT and str(at).startswith("AT_END") for op, at in _all_nodes(items))
        anchored = bool(items) and items[0][0] is sre.AT and items[0][1] in (sre.AT_BEGINNING, sre.AT_BEGINNING_STRING)
        body = self._sequence(items)
        if search and not (anchored and not self.flags & re.MULTILINE):
            lead = self._loop(self._one(self.all), 0, NOTHING)
            if anchored:
                lead = self._then(lead, self._one(frozenset("\n")))
            body = self._then(lead, body)
        self.accepting = frozenset[int]() if self._ends else frozenset(state for state, _ in body.last)

    def _one(self, chars: Chars) -> Part:
        self.reads.append(chars)
        state = len(self.reads) - 1
        return Part([(state, NOTHING)], [(state, NOTHING)])

    def _then(self, one: Part, other: Part) -> Part:
        for (before, out), (after, into) in product(one.last, other.first):
            self.edges.setdefault((before, after), []).append(self.reads[after] - out - into)
        first = one.first + [(state, guard | way) for way in one.empty for state, guard in other.first]
        last = other.last + [(state, guard | way) for way in other.empty for state, guard in one.last]
        return Part(first, last, [a | b for a, b in product(one.empty, other.empty)])

    def _sequence(self, nodes: list) -> Part:
        part = Part(empty=[NOTHING])
        for node in nodes:
            part = self._then(part, self._node(*node))
        return part

    def _loop(self, part: Part, least: int, guard: Chars) -> Part:
        """A part as often as one likes, `least` (0 or 1) times at least; what `guard` holds must not follow."""
        for (before, out), (after, into) in product(part.last, part.first):
            self.edges.setdefault((before, after), []).append(self.reads[after] - out - into)
        for way in part.empty:  # a round that reads nothing is one way more
            for (before, out), (after, into) in product(part.last, part.first):
                self.edges[before, after].append(self.reads[after] - out - into - way)
        last = [(state, out | guard) for state, out in part.last]
        return Part(part.first, last, part.empty if least else [guard])

    def _repeat(self, least: int, most: int, nodes: list, possessive: bool) -> Part:
        chars = self._set(nodes[0]) if len(nodes) == 1 else None
        guard = chars if possessive and chars is not None else NOTHING
        part = Part(empty=[NOTHING])
        for _ in range(min(least, 3)):
            part = self._then(part, self._sequence(nodes))
        if most > MANY:
            return self._then(part, self._loop(self._sequence(nodes), 0, guard))
        more = Part(empty=[NOTHING])
        for _ in range(min(most - least, 2)):  # x?, then x(x)?
            more = self._then(self._sequence(nodes), more)
            more = Part(more.first, more.last, [guard, *more.empty])
        return self._then(part, more)

    def _node(self, op: object, value: object) -> Part:
        chars = self._set((op, value))
        if chars is not None:
            return self._one(chars)
        if op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            least, most, nodes = value
            return self._repeat(least, most, list(nodes), op is sre.POSSESSIVE_REPEAT)
        if op is sre.SUBPATTERN:
            outside = self.flags
            self.flags = (outside | value[1]) & ~value[2]
            part = self._sequence(list(value[-1]))
            self.flags = outside
            return part
        if op is sre.ATOMIC_GROUP:
            return self._sequence(list(value))
        if op is sre.BRANCH:
            parts = [self._sequence(list(branch)) for branch in value[1]]
            return Part(*([each for part in parts for each in getattr(part, name)] for name in vars(Part())))
        if op is sre.ASSERT_NOT and value[0] == 1 and len(value[1]) == 1:
            return Part(empty=[self._set(value[1][0]) or NOTHING])
        if op is sre.AT and value in (sre.AT_END, sre.AT_END_STRING):
            return Part(empty=[self.all - (frozenset("\n") if value is sre.AT_END else NOTHING)])
        if op in (sre.AT, sre.ASSERT, sre.ASSERT_NOT):
            return Part(empty=[NOTHING])
        raise NotImplementedError(f"{op}: this kind of expression is not looked through")

    def _set(self, node: tuple) -> Chars | None:
        """The characters that a node of one character reads; None for any other node."""
        op, value = node
        if op is sre.LITERAL:
            return self._cases(chr(value))
        if op is sre.NOT_LITERAL:
            return self.all - self._cases(chr(value))
        if op is sre.ANY:
            return self.all if self.flags & re.DOTALL else self.all - {"\n"}
        if op is sre.IN:
            negated = value[0][0] is sre.NEGATE
            found = frozenset().union(*(self._class(*item) for item in value[negated:]))
            return self.all - found if negated else found
        return None

    def _class(self, op: object, value: object) -> Chars:
        if op is sre.LITERAL:
            return self._cases(chr(value))
        if op is sre.RANGE:
            inside = (char for char in self.all if value[0] <= ord(char) <= value[1])
            return NOTHING.union(*map(self._cases, inside))
        letter = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}[str(value).split("_")[-1]]
        flags = re.ASCII if not self._text else 0
        found = frozenset(char for char in self.all if re.match(letter, char, flags))
        return self.all - found if "_NOT_" in str(value) else found

    def _cases(self, char: str) -> Chars:
        return self.all & {char, char.lower(), char.upper()} if self.flags & re.IGNORECASE else frozenset(char)


def _named(nodes: object) -> Iterator[str]:
    """The characters that a pattern names."""
    for op, value in _all_nodes(nodes):
        if op in (sre.LITERAL, sre.NOT_LITERAL):
            yield chr(value)
        elif op is sre.RANGE:
            yield from map(chr, value)


def _all_nodes(nodes: object) -> Iterator[tuple]:
    """Every (operation, value) of a parsed pattern, at whatever depth."""
    for node in nodes if isinstance(nodes, list | tuple | _parser.SubPattern) else ():
        if isinstance(node, tuple) and len(node) == 2 and isinstance(node[0], sre._NamedIntConstant):
            yield node
        yield from _all_nodes(node)


def slow(pattern: str | bytes, flags: int = 0, search: bool = False, whole: bool = False) -> str:
    """Why a pattern can take longer than linear time, or "".

    Args:
        pattern, flags: As for `re.compile`.
        search: It is tried at every place of a text.
        whole: It has to match to the text's end.
    """
    machine = Automaton(pattern, flags, search, whole)
    letters = _letters(machine)
    moves: dict[int, list[list[int]]] = {state: [[] for _ in letters] for state in range(len(machine.reads))}
    for (before, after), ways in machine.edges.items():
        for number, letter in enumerate(letters):
            moves[before][number] += [after] * sum(letter in way for way in ways)
    loops = [part for part in _components(moves) if any(part & set(row) for state in part for row in moves[state])]
    for part in loops:
        if _two_ways(moves, part):
            return "one text leads around a repeat in two ways: exponential"
    for one, other in product(loops, loops):
        inside = other - machine.accepting
        for p, q in product(one, inside):
            if p != q and _shared(moves, one, p, inside, q):
                return "two repeats can share the text between them: quadratic or worse"
    return ""


def _letters(machine: Automaton) -> list[str]:
    """A character for each class of characters that no edge tells apart."""
    sets = {way for ways in machine.edges.values() for way in ways}
    kinds: dict[tuple[bool, ...], str] = {}
    for char in sorted(machine.all):
        kinds.setdefault(tuple(char in way for way in sets), char)
    return list(kinds.values())


def _components(moves: dict[int, list[list[int]]]) -> list[set[int]]:
    """The strongly connected parts: for graphs of a hundred states."""
    reach = {state: _reached(moves, state) for state in moves}
    parts, seen = [], set()
    for state in moves:
        if state not in seen:
            part = {state} | {other for other in reach[state] if state in reach[other]}
            seen |= part
            parts.append(part)
    return parts


def _reached(moves: dict[int, list[list[int]]], state: int) -> set[int]:
    found, waiting = set[int](), [state]
    while waiting:
        for row in moves[waiting.pop()]:
            for after in row:
                if after not in found:
                    found.add(after)
                    waiting.append(after)
    return found


def _two_ways(moves: dict[int, list[list[int]]], part: set[int]) -> bool:
    """Whether one word leads from a state of a loop back to it in two ways."""
    for state in part:
        begin = (state, state, False)
        seen, waiting = {begin}, [begin]
        while waiting:
            one, other, apart = waiting.pop()
            for left, right in zip(moves[one], moves[other]):
                doubled = one == other and max(Counter(each for each in left if each in part).values(), default=0) > 1
                for a, b in product(set(left) & part, set(right) & part):
                    after = (a, b, apart or a != b or (doubled and Counter(left)[a] > 1))
                    if after == (state, state, True):
                        return True
                    if after not in seen:
                        seen.add(after)
                        waiting.append(after)
    return False


def _shared(moves: dict[int, list[list[int]]], one: set[int], p: int, other: set[int], q: int) -> bool:
    """Whether one word leads from p to p, from p to q and from q to q."""
    begin = (p, p, q)
    seen, waiting = {begin}, [begin]
    while waiting:
        a, b, c = waiting.pop()
        for x, y, z in zip(moves[a], moves[b], moves[c]):
            for after in product(set(x) & one, set(y), set(z) & other):
                if after == (p, q, q):
                    return True
                if after not in seen:
                    seen.add(after)
                    waiting.append(after)
    return False
