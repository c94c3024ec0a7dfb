"""Source code as a lexical state machine over bytes, driven by the table of a language: comments, literals, brackets.

It knows which byte may follow, and nothing of expressions, types or names. `advance` takes any byte and never fails:
what it does not allow is merely set right as well as it can be. A tidy file keeps more: each branch of a conditional
closes what it opens, and words and signs keep the order that the language's phrases know, where it has such.

Of a word it remembers only whether it is the beginning of one that matters, so that states stay few.
"""

from collections.abc import Iterable

from seqgen.codecs._code import braces, slashes
from seqgen.codecs._code.directives import Directives
from seqgen.codecs._code.language import Language, Region
from seqgen.codecs._code.literals import ESCAPED, Literals
from seqgen.codecs._code.phrases import Phrases
from seqgen.codecs._code.state import (
    ARROW,
    BLANK,
    CLOSED_BY,
    CLOSERS,
    CONTROL,
    DEPTH,
    HOLE,
    ONE_MINUS,
    OPENERS,
    WORD,
    Move,
    Reading,
    State,
)

NAME, NUMBER = "?", "0"  # what a word is that is no beginning of one that matters
REGEX = Region("/", "/", escape=ESCAPED, classes=True)


class Lexer:
    """The machine of one language.

    Args:
        language: Its table.
        tidy: Whether each branch of a conditional has to close what it opens, and phrases are kept.
    """

    def __init__(self, language: Language, tidy: bool = False) -> None:
        self.language, self.tidy = language, tidy
        self.phrases = language.phrases if tidy else None
        self.regions = {region.opens: region for region in language.regions}
        if language.divides:
            self.regions["regex"] = REGEX
        self._letters = language.letters
        self._begun = beginnings(region.opens[:-1] for region in language.regions)
        self._shut_by = {word[0]: word for word in language.blocks.values()}
        prefixes = {word for word in map(_leading_word, self._begun) if word}
        words = {*language.blocks, *language.blocks.values(), *language.goes_on, *language.braces, *prefixes}
        words |= language.heads | language.leads | language.functions | language.declares
        words |= language.values - {"=>"} | ({"as"} if language.declares else set())
        words |= {"pass"} if language.layout else set()
        self._words = beginnings(self.phrases.KEYWORDS if self.phrases else words)
        self._closed_by = {**CLOSED_BY, **(self.phrases.CLOSED_BY if self.phrases else {})}
        self._holed = next((region for region in language.regions if region.holes), None)
        self._literals = Literals(self.regions, self.phrases.LITERALS if self.phrases else {})
        self._directives = Directives(language.directives, language.letters, tidy)
        self._foreign = CONTROL | set(language.foreign)
        # Whether what may follow depends on the word before, or on what stood last.
        self.sees_words = bool(self.phrases or language.blocks or prefixes or language.apart or language.divides)
        self.sees_last = bool(self.phrases or language.divides)

    def closer(self, opened: str) -> str:
        """What closes an entry of the stack."""
        return self._closed_by.get(opened) or self._shut_by[opened]

    def takes_names(self, state: State) -> bool:
        """Whether every name is allowed to follow, or to go on. False says nothing."""
        if state.inside:
            region = self.regions[state.inside]
            return not (region.named or region.delimited)
        if state.pending or state.place[0] == "#" or (self.language.layout and state.place == "start"):
            return False
        if self.phrases is None or state.loose:
            return True
        return state.word != NUMBER and self.phrases.may_grow(NAME, state.last, state.stack)

    def advance(self, state: State, char: str) -> Move:
        """The state after one byte, given as the character of the same number, and whether it was allowed."""
        if state.inside:
            after, fine, taken = self._literals.inside(state, char)
        elif state.pending:
            return self._pending(state, char)
        elif state.word and char not in self._letters:
            after, fine, taken = self._word_ends(state, char)
        elif state.place[0] == "#":
            after, fine, taken = self._directives.named(state, char)
            if not taken and after.place[0] == "#":
                return self._plain(after, char)
        else:
            return self._plain(state, char)
        if taken:
            return after, fine
        after, follows = self.advance(after, char)
        return after, fine and follows

    def _plain(self, state: State, char: str) -> Move:
        """Outside comments and literals, in code or in the rest of a directive."""
        place = state.place
        if char == "\n":
            return self._line_ends(state), True
        if char in BLANK:
            if self.language.divides:
                state = slashes.apart(state)
            if place == "start" and self.language.layout and not state.stack:
                layout, fine = state.layout.indented(char)
                return state._replace(layout=layout), fine
            return state, True
        fine, region = True, self.regions.get(char)
        if place == "start" and not (region and region.comment):
            if char == "#" and self.language.directives:
                phrases = None if state.prose else self.phrases
                return state._replace(place="#"), phrases is None or phrases.between(state.last, state.stack)
            if self.language.layout:
                layout, fine = state.layout.begun(char)
                state = state._replace(place="code", layout=layout)
        if char in self._begun and char not in self._letters:
            return state._replace(pending=char), fine
        loose = place == "directive" or state.prose > 0
        if region is not None:
            phrases = None if loose or region.comment else self.phrases
            fits = phrases is None or phrases.sign(char, state.last, state.stack) != ""
            return self._literals.entered(state, char), fine and fits
        if loose:
            return (state if place == "directive" else state._replace(place="code")), char not in CONTROL
        after, fits = self._grown(state, char) if char in self._letters else self._sign(state, char)
        return after, fine and fits

    def _grown(self, state: State, char: str) -> Move:
        """In a word with one more character."""
        word, phrases = state.word, self.phrases
        if not word and char.isdecimal():
            word = NUMBER
        elif word + char in self._words:
            word += char
        elif word != NUMBER:
            word = NAME
        last, stack = state.last, state.stack
        if word != state.word or state.place != "code":
            state = _in_code(state, stack, last, state.awaits, word)
        return state, phrases is None or phrases.may_grow(word, last, stack)

    def _word_ends(self, state: State, char: str) -> Reading:
        """Behind a word."""
        word = state.word
        if word == NUMBER and ((char == "'" and self.language.apart) or (char == "." and self.language.divides)):
            return state, True, True
        if word + char in self._begun:
            return state._replace(word="", pending=word + char), True, True
        if word + char in self.regions:
            return self._literals.entered(state._replace(word=""), word + char), True, True
        if self.phrases is None:
            return *self._finished(state, word), False
        kind = self.phrases.end_word(word, state.last, state.stack)
        return _in_code(state, state.stack, kind or "w", state.awaits), kind != "", False

    def _finished(self, state: State, word: str) -> Move:
        """The state behind a finished word."""
        language, stack = self.language, state.stack
        last = slashes.class_of_word(language, word, state.last)
        if word in language.blocks:
            full = len(stack) >= DEPTH
            stack = stack if full else stack + language.blocks[word][0]
            return _in_code(state, stack, last if last == "k" else "", state.awaits), not full
        if word and self._shut_by.get(word[0]) == word:
            at = stack.rfind(word[0])
            stack, fine = stack[:at] if at >= 0 else stack, at == len(stack) - 1 >= 0
            return _in_code(state, stack, last, state.awaits), fine
        awaits = braces.after_word(language, state, word) if language.values or language.braces else ""
        return _in_code(state, stack, last, awaits), True

    def _pending(self, state: State, char: str) -> Move:
        """Where a comment or literal may have begun."""
        read = state.pending + char
        if state.pending == ESCAPED and char in BLANK and self.language.directives:
            return state, True  # between a backslash and the end of its line
        if read in self._begun:
            return state._replace(pending=read), True
        state, read = state._replace(pending=""), state.pending
        if read + char in self.regions:
            return self._literals.entered(state, read + char), True
        opened = next((read[:end] for end in range(len(read), 0, -1) if read[:end] in self.regions), "")
        if opened:
            return self._fed(self._literals.entered(state, opened), read[len(opened) :] + char)
        if state.place[0] == "#":
            state = state._replace(place="directive")
        if read[0] == "/" and self.language.divides and slashes.quotes(state, char) and state.place != "directive":
            return self._fed(self._literals.entered(state, "regex"), read[1:] + char)
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

    def _sign(self, state: State, char: str) -> Move:
        """A sign that begins neither comment nor literal."""
        if state.loose:
            return state if state.place == "directive" else state._replace(place="code"), char not in CONTROL
        if self.phrases is not None:
            return self._phrased(state, char, self.phrases)
        language = self.language
        if char in OPENERS:
            full = len(state.stack) >= DEPTH
            kind, awaits = braces.opening(language, state, char)
            return _in_code(state, state.stack if full else state.stack + kind, char, awaits), not full
        if char in CLOSERS:
            return self._close(state, char)
        arrow = char == ">" and language.bodied and state.last in ("=", "-", ONE_MINUS)
        last = ARROW if arrow else slashes.class_of_sign(state, char) if language.divides else char
        return _in_code(state, state.stack, last, braces.after_sign(language, state, char)), char not in self._foreign

    def _phrased(self, state: State, char: str, phrases: Phrases) -> Move:
        """The same where phrases are kept."""
        last, stack = state.last, state.stack
        if char in OPENERS:
            kind = phrases.opening(char, last, stack)
            full = len(stack) >= DEPTH
            return _in_code(state, stack if full else stack + (kind or char), char), kind != "" and not full
        if char in CLOSERS:
            after, fine = self._close(state, char)
            fine = fine and phrases.may_close(last, stack)
            return after._replace(last=phrases.after_closing(stack[-1:])), fine
        kind = phrases.sign(char, last, stack)
        return _in_code(state, phrases.after_sign(char, stack), kind or char), kind != ""

    def _close(self, state: State, char: str) -> Move:
        """A closing bracket; one that does not match closes what stands between, or nothing."""
        stack = state.stack
        at = max((index for index, opened in enumerate(stack) if self._closed_by.get(opened) == char), default=-1)
        fine = at >= 0 and at == len(stack) - 1
        if self.tidy and state.frames and at < len(state.frames[-1]):
            fine = False
        if at < 0:
            return _in_code(state, stack, char, state.awaits), False
        after = _in_code(state, stack[:at], *braces.closing(state, stack[at], char))
        if stack[at] == HOLE and self._holed is not None:
            return after._replace(inside=self._holed.opens), fine
        return after, fine

    def _line_ends(self, state: State) -> State:
        """At the start of the next line; within brackets that is nothing to a language of indentation."""
        if self.language.divides:
            state = slashes.apart(state)._replace(awaits=braces.after_line(state))
        if not self.language.layout:
            prose = 1 if state.place == "#if 0" and not state.prose else state.prose
            return state._replace(place="start", prose=prose)
        if state.stack:
            return state
        layout = state.layout.ended(state.place == "start", state.last == ":")
        return state._replace(place="start", layout=layout)


def _in_code(state: State, stack: str, last: str, awaits: str = "", word: str = "") -> State:
    """What `state._replace` gives, in a third of the time."""
    return State("code", "", "", "", "", stack, state.frames, last, word, awaits, state.layout, state.prose)


def beginnings(words: Iterable[str]) -> frozenset[str]:
    """The words, and what they begin with."""
    return frozenset(word[:end] for word in words for end in range(1, len(word) + 1))


def _leading_word(text: str) -> str:
    return text[: next((at for at, char in enumerate(text) if char not in WORD), len(text))]
