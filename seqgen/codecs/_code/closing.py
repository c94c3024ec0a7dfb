"""How source code comes to an end: where it may stop between two definitions, and what to write to get there.

It completes by what stood last: an operand behind an operator, what ends a statement, brackets and blocks, the end of
the line. It is no parser: what it adds is balanced and mostly valid.
"""

from seqgen.codecs._code.lexer import Lexer
from seqgen.codecs._code.literals import ESCAPED
from seqgen.codecs._code.state import ARROW, FRESH, HOLE, ONE_MINUS, ONE_PLUS, OPERANDS, STATEMENTS, State

WANTS_OPERAND = frozenset("+-*/%=<>!&|^~?:,.k" + FRESH + ARROW + ONE_PLUS + ONE_MINUS)
OPERAND = "x"
BODY = "pass"


def settled(lexer: Lexer, state: State) -> bool:
    """Whether a definition has ended and its line too, outside everything. Conditionals may be open."""
    if state.place != "start" or state.inside or state.pending or state.word or state.awaits or state.prose:
        return False
    if not state.last or state.stack or any(state.frames):
        return False
    language, layout = lexer.language, state.layout
    if language.layout:
        ended = len(layout.levels) == 1 or layout.blank >= 2
        return ended and layout.width == 0 and not (layout.wants or layout.decorated)
    return state.last in (";", "}") or (language.newline_ends and state.last in OPERANDS)


def fresh(lexer: Lexer, state: State) -> bool:
    """Whether code would begin something new outside everything, where only indentation can tell so."""
    layout = state.layout
    at_start = state.place == "start" and not (state.inside or state.stack)
    return lexer.language.layout and at_start and layout.width == 0 and not (layout.wants or layout.decorated)


def closing(lexer: Lexer, state: State) -> str:
    """The next byte on the way to where a file may end."""
    char = _next(lexer, state)
    if state.word and lexer.phrases is None and not lexer.advance(state, char)[1]:
        return OPERAND  # a word that would close what is not open, such as `end`, goes on as a name
    return char


def _next(lexer: Lexer, state: State) -> str:
    if state.inside:
        return _out(lexer, state)
    if state.pending:
        if state.pending in lexer.regions and len(state.pending) == 1:
            return state.pending
        return " " if lexer.language.newline_ends and state.pending != ESCAPED else "\n"
    place, phrases = state.place, lexer.phrases
    deeper = not state.prose and len(state.stack) > (len(state.frames[-1]) if state.frames else 0)
    if place == "directive" or (place[0] == "#" and (deeper or not state.frames)):
        return "\n"
    if place[0] == "#":
        return "#endif"[len(place)] if "#endif".startswith(place) and place != "#endif" else "\n"
    if phrases is not None and (deeper or not (state.prose or phrases.complete(state))):
        return phrases.completion(state)
    if deeper:
        return _shut(lexer, state)
    if lexer.language.layout:
        return _indented(state)
    return _unfinished(lexer, state) or ("#" if place == "start" and state.frames else "\n")


def _unfinished(lexer: Lexer, state: State) -> str:
    """What completes a statement outside all brackets; "" where none is open."""
    if state.prose:
        return ""
    if lexer.phrases is not None:  # which have completed all but a file of nothing but comments
        return "" if state.last else ";"
    if not state.word and (state.last in WANTS_OPERAND or not state.last):
        return OPERAND
    if not lexer.language.newline_ends and (state.word or state.awaits or state.last not in ("", ";", "}")):
        return ";"
    return ""


def _out(lexer: Lexer, state: State) -> str:
    """What leads out of a comment or a literal."""
    region, progress = lexer.regions[state.inside], state.progress
    if progress == ESCAPED:
        return "\n" if region.comment else "n"
    if region.filled and progress:
        return OPERAND
    if region.delimited and not state.fence:
        return "("
    if region.named and not (state.fence or progress):
        return OPERAND
    if region.classes and state.fence:
        return "]"
    if region.doubled and progress:
        return "\n"
    closes = f"){state.fence[1:]}{region.closes}" if region.delimited else region.closes
    return closes[len(progress) if closes.startswith(progress) else 0]


def _shut(lexer: Lexer, state: State) -> str:
    """What completes the innermost bracket or block."""
    closer, word, last = lexer.closer(state.stack[-1]), state.word, state.last
    if len(closer) > 1:
        if word:
            return closer[len(word)] if closer.startswith(word) and word != closer else " "
        return OPERAND if last in WANTS_OPERAND else closer[0]
    empty = last == "{" and state.stack[-1] == HOLE
    if not word and (empty or last in WANTS_OPERAND) and (last != "," or closer == ")"):
        return OPERAND
    statements = state.stack[-1] in STATEMENTS and not lexer.language.newline_ends and not lexer.language.layout
    return ";" if statements and (word or last not in (";", "}", "{", ",")) else closer


def _indented(state: State) -> str:
    """What completes a line and its block, where indentation counts."""
    layout = state.layout
    if state.place != "start":
        if state.word in (BODY[:1], BODY[:2], BODY[:3]):
            return BODY[len(state.word)]
        return OPERAND if state.last in WANTS_OPERAND - {":"} and not state.word else "\n"
    if layout.wants:
        return " " if layout.width < layout.levels[-1] + 4 else BODY[0]
    return OPERAND if layout.decorated or not state.last else "\n"
