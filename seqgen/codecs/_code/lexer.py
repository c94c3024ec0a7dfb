"""Source code as a lexical state machine over bytes, driven by the table of a language: comments, literals, brackets.

It knows which byte may follow, and nothing of expressions, types or names. `advance` takes any byte and never fails:
what it does not allow is merely set right as well as it can be. Branches of a conditional (`#if … #else … #endif`)
each begin with the brackets that were open before it; what the last one leaves open stays open.

Of a word it remembers only whether it is the beginning of one that matters, so that states stay few.
"""

from collections.abc import Iterable

from seqgen.codecs._code.language import Language, Region
from seqgen.codecs._code.state import (
    BLANK,
    CLOSED_BY,
    CLOSERS,
    CONTROL,
    DEPTH,
    FRAMES,
    HOLE,
    OPENERS,
    OPERANDS,
    RECORD,
    WORD,
    Move,
    State,
)

NAME, NUMBER = "?", "0"  # what a word is that is no beginning of one that matters
ESCAPED = "\\"
REGEX = Region("/", "/", escape="\\", classes=True)
OPENS_FRAME = frozenset({"#if", "#ifdef", "#ifndef"})
NEXT_BRANCH = frozenset({"#else", "#elif", "#elifdef", "#elifndef"})
DIRECTIVES = OPENS_FRAME | NEXT_BRANCH | {"#endif"}
NAMES = frozenset(name[:end] for name in DIRECTIVES for end in range(1, len(name) + 1))


class Lexer:
    """The machine of one language.

    Args:
        language: Its table.
        tidy: Whether each branch of a conditional has to close what it opens.
    """

    def __init__(self, language: Language, tidy: bool = False) -> None:
        self.language, self.tidy = language, tidy
        self.regions = {region.opens: region for region in language.regions}
        if language.divides:
            self.regions["regex"] = REGEX
        self._begun = beginnings(region.opens[:-1] for region in language.regions)
        self._shut_by = {word[0]: word for word in language.blocks.values()}
        words = {*language.blocks, *language.blocks.values(), *language.goes_on, *language.records}
        words |= {"pass"} if language.layout else set()
        words |= {word for word in map(_leading_word, self._begun) if word}
        self._words = beginnings(words)
        self._holed = next((region for region in language.regions if region.holes), None)
        self.foreign = CONTROL | set(language.foreign)

    def closer(self, opened: str) -> str:
        """What closes an entry of the stack."""
        return CLOSED_BY.get(opened) or self._shut_by[opened]

    def advance(self, state: State, char: str) -> Move:
        """The state after one byte, given as the character of the same number, and whether it was allowed."""
        if state.inside:
            return self._inside(state, char)
        if state.pending:
            return self._pending(state, char)
        if state.word and char not in WORD:
            return self._word_ends(state, char)
        return self._code(state, char)

    def _code(self, state: State, char: str) -> Move:
        """Outside comments and literals, in code or in a directive."""
        place, layout = state.place, state.layout
        if place[0] == "#":
            return self._directive(state, char)
        if char == "\n":
            return self._line_ends(state), True
        if char in BLANK:
            if place == "start" and self.language.layout and not state.stack:
                layout, fine = layout.indented(char)
                return state._replace(layout=layout), fine
            return state, True
        fine = True
        region = self.regions.get(char)
        if place == "start" and not (region and region.comment):
            if char == "#" and self.language.directives:
                return state._replace(place="#"), True
            if self.language.layout:
                layout, fine = layout.begun(char)
                state = state._replace(place="code", layout=layout)
        if char in self._begun and char not in WORD:
            return state._replace(pending=char), fine
        if region is not None:
            return self._enter(state, char), fine
        if char not in WORD or place == "directive":
            after, fits = self._sign(state, char)
            return after, fine and fits
        return state._replace(place="code", word=self._grown(state.word, char)), fine

    def _grown(self, word: str, char: str) -> str:
        """A word with one more character."""
        if not word and char.isdecimal():
            return NUMBER
        return word + char if word + char in self._words else word if word == NUMBER else NAME

    def _word_ends(self, state: State, char: str) -> Move:
        """Behind a word."""
        word = state.word
        if word == NUMBER and char == "'" and self.language.apart:
            return state, True
        if word + char in self._begun:
            return state._replace(word="", pending=word + char), True
        if word + char in self.regions:
            return self._enter(state._replace(word=""), word + char), True
        state, fine = self._finished(state._replace(word=""), word)
        after, follows = self._code(state, char)
        return after, fine and follows

    def _finished(self, state: State, word: str) -> Move:
        """The state behind a finished word."""
        language, stack = self.language, state.stack
        last = "k" if word in language.goes_on else "w"
        if word in language.blocks:
            full = len(stack) >= DEPTH
            stack = stack if full else stack + language.blocks[word][0]
            return state._replace(stack=stack, last=last if last == "k" else ""), not full
        if word and self._shut_by.get(word[0]) == word:
            at = stack.rfind(word[0])
            return state._replace(stack=stack[:at] if at >= 0 else stack, last=last), at == len(stack) - 1 >= 0
        record = word in language.records and stack[-1:] in ("", "{", RECORD)
        return state._replace(last=last, record=state.record or record), True

    def _pending(self, state: State, char: str) -> Move:
        """Where a comment or literal may have begun."""
        read = state.pending + char
        if read in self._begun:
            return state._replace(pending=read), True
        if read in self.regions:
            return self._enter(state._replace(pending=""), read), True
        read = state.pending
        state = state._replace(pending="")
        opened = next((read[:end] for end in range(len(read), 0, -1) if read[:end] in self.regions), "")
        if opened:
            return self._fed(self._enter(state, opened), read[len(opened) :] + char)
        if read[0] == "/" and self.language.divides and state.last not in OPERANDS and state.place != "directive":
            return self._fed(self._enter(state, "regex"), read[1:] + char)
        word = _leading_word(read)
        if word:
            state = state._replace(place="code", last="w")
        fine = True
        for sign in read[len(word) :]:
            state, fits = self._sign(state, sign)
            fine = fine and fits
        after, fits = self.advance(state, char)
        return after, fine and fits

    def _fed(self, state: State, chars: str) -> Move:
        fine = True
        for char in chars:
            state, fits = self.advance(state, char)
            fine = fine and fits
        return state, fine

    def _enter(self, state: State, opens: str) -> State:
        """The state where a comment or literal has begun."""
        region = self.regions[opens]
        if not region.closes:
            return state
        if region.comment:
            return state._replace(inside=opens, layout=state.layout.commented())
        return state._replace(inside=opens, place="directive" if state.place == "directive" else "code")

    def _sign(self, state: State, char: str) -> Move:
        """A sign that begins neither comment nor literal."""
        if state.place == "directive":
            return state, char not in CONTROL
        if char in OPENERS:
            full = len(state.stack) >= DEPTH
            kind = RECORD if char == "{" and state.record else char
            stack = state.stack if full else state.stack + kind
            return state._replace(place="code", stack=stack, last=char, record=False), not full
        if char in CLOSERS:
            return self._close(state, char)
        twice = char == state.last and char in "+-" and self.language.divides
        record = state.record and char != ";"
        return state._replace(place="code", last="w" if twice else char, record=record), char not in self.foreign

    def _close(self, state: State, char: str) -> Move:
        """A closing bracket; one that does not match closes what stands between, or nothing."""
        stack = state.stack
        at = max((index for index, opened in enumerate(stack) if CLOSED_BY.get(opened) == char), default=-1)
        fine = at >= 0 and at == len(stack) - 1
        if self.tidy and state.frames and at < len(state.frames[-1]):
            fine = False
        if at < 0:
            return state._replace(place="code", last=char), False
        after = state._replace(place="code", stack=stack[:at], last=char)
        if stack[at] == HOLE and self._holed is not None:
            return after._replace(inside=self._holed.opens), fine
        return after._replace(last="w") if stack[at] == RECORD else after, fine

    def _line_ends(self, state: State) -> State:
        """At the start of the next line; within brackets that is nothing to a language of indentation."""
        if not self.language.layout:
            return state._replace(place="start")
        if state.stack:
            return state
        layout = state.layout.ended(state.place == "start", state.last == ":")
        return state._replace(place="start", layout=layout)

    def _directive(self, state: State, char: str) -> Move:
        """In the name of a directive, of which only those of conditionals matter."""
        place, stack, frames = state.place, state.stack, state.frames
        if place + char in NAMES:
            return state._replace(place=place + char), self._may_be(place + char, state)
        if place == "#" and char in BLANK:
            return state, True
        if place in DIRECTIVES and char not in WORD:
            if place in OPENS_FRAME:
                frames = (*frames, stack)[-FRAMES:]
            elif place in NEXT_BRANCH:
                stack = frames[-1] if frames else stack
            else:
                frames = frames[:-1]
        return self._code(state._replace(place="directive", stack=stack, frames=frames), char)

    def _may_be(self, name: str, state: State) -> bool:
        """Whether a directive may begin so: none for a conditional that is not open, and not too many."""
        if name == "#if":
            return len(state.frames) < FRAMES
        if name not in ("#el", "#endi"):  # there is an #endregion
            return True
        return bool(state.frames) and (not self.tidy or state.stack == state.frames[-1])

    def _inside(self, state: State, char: str) -> Move:
        """In a comment or a literal."""
        region, progress = self.regions[state.inside], state.progress
        if region.delimited and not state.fence:
            return _delimiter(state, char)
        if progress == ESCAPED:
            return state._replace(progress=ESCAPED if char == "\r" else ""), char not in CONTROL
        if region.named and not state.fence:
            if char != region.escape or progress:
                return self._perhaps_named(state, char)
            state = state._replace(fence=ESCAPED)
        if state.fence == "'" and char != "'":  # one sign is all that it holds
            return state, False
        if region.doubled and progress:
            after = state._replace(progress="")
            return (after, True) if char == region.closes else self.advance(self._left(after, region), char)
        if char == region.escape and region.escape:
            return state._replace(progress=ESCAPED), True
        if char == "\n" and not region.lines:
            loose = region.comment or state.place == "directive"
            return self._code(self._left(state, region), char)[0], loose
        if region.classes and char in "[]":
            return state._replace(progress="[" if char == "[" else ""), True
        if region.classes and progress == "[":
            return state, char not in CONTROL
        return self._ending(state, region, char)

    def _ending(self, state: State, region: Region, char: str) -> Move:
        """In a comment or literal that may end, or hold another or code."""
        read = state.progress + char
        closes = f"){state.fence[1:]}{region.closes}" if region.delimited else region.closes
        if read.endswith(closes):
            if region.doubled:
                return state._replace(progress=closes), True
            if region.nests and state.fence:
                return state._replace(progress="", fence=state.fence[1:]), True
            return self._left(state, region), True
        if region.nests and read.endswith(region.opens):
            full = len(state.fence) >= DEPTH
            return state._replace(progress="", fence=state.fence if full else state.fence + "*"), not full
        if region.holes and read.endswith(region.holes):
            full = len(state.stack) >= DEPTH
            opened = state._replace(inside="", progress="", stack=state.stack + HOLE, last="{")
            return (state._replace(progress=""), False) if full else (opened, True)
        goals = (closes, region.opens if region.nests else "", region.holes)
        kept = next((read[at:] for at in range(len(read)) if any(goal.startswith(read[at:]) for goal in goals)), "")
        return state._replace(progress=kept), char not in CONTROL

    def _perhaps_named(self, state: State, char: str) -> Move:
        """Behind a quote that may begin a character or a name, and behind the first letter of either."""
        progress = state.progress
        if not progress:
            if char in WORD:
                return state._replace(progress="w"), True
            return state._replace(fence="'"), char not in CONTROL | {"'", "\n"}
        if char == "'":
            return self._left(state, self.regions[state.inside]), True
        if char in WORD:
            return state, True
        return self._code(state._replace(inside="", progress="", last="w"), char)

    def _left(self, state: State, region: Region) -> State:
        """Behind a comment or literal."""
        last = state.last if region.comment else '"'
        return state._replace(inside="", progress="", fence="", last=last)


def beginnings(words: Iterable[str]) -> frozenset[str]:
    """The words, and what they begin with."""
    return frozenset(word[:end] for word in words for end in range(1, len(word) + 1))


def _leading_word(text: str) -> str:
    return text[: next((at for at, char in enumerate(text) if char not in WORD), len(text))]


def _delimiter(state: State, char: str) -> Move:
    """In the delimiter of a raw literal, up to its bracket."""
    if char == "(":
        return state._replace(fence="(" + state.progress, progress=""), True
    fine = char not in CONTROL | BLANK | set(")\\\n") and len(state.progress) < 16
    return state._replace(progress=state.progress + char if fine else state.progress), fine
