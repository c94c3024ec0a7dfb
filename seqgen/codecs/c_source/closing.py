"""How a C file comes to an end: where it may stop between two definitions, and what to write to get there.

It sees a state of the lexical machine, so it completes by what stood last: an operand behind an operator, a semicolon
behind a statement, the brackets, the end of the line. It is no parser: what it adds is balanced and mostly valid.
"""

from seqgen.codecs.c_source import phrases
from seqgen.codecs.c_source.lexer import CLOSED_BY, LIST, State

WAYS_OUT = {'"': '"', '"\\': "n", "'": "'", "''": "x", "'\\": "n", "/*": "*", "/**": "/"}
WANTS_OPERAND = frozenset("+-*/%=<>!&|^~?:,.oLyvpaczGqseQ")
GOES_ON = {"k": "(", "K": "(", "F": "(", "m": "=", "d": ":"}
OPERAND = "x"


def complete(state: State) -> bool:
    """Whether no statement is open."""
    return (state.last in ("", ";", "}", "I") and not state.word) or bool(state.prose)


def settled(state: State) -> bool:
    """Whether a definition has ended and its line too, outside all brackets. Conditionals may be open."""
    place, inside, stack, frames, last, prose, _, _ = state
    return place == "start" and last in (";", "}") and not (inside or stack or prose or any(frames))


def closing(state: State) -> str:
    """The next byte on the way to where a file may end."""
    place, inside, stack, frames, _, prose, _, _ = state
    if inside:
        return WAYS_OUT.get(inside, "\n")
    deeper = not prose and len(stack) > (len(frames[-1]) if frames else 0)
    if place == "directive" or (place[0] == "#" and (deeper or not frames)):
        return "\n"
    if place[0] == "#":
        return "#endif"[len(place)] if "#endif".startswith(place) and place != "#endif" else "\n"
    if deeper or not complete(state):
        return _completion(state)
    return "#" if place == "start" and frames else "\n"


def _completion(state: State) -> str:
    """What completes the word, expression, statement or bracket in which one is."""
    top, last = state.stack[-1:], state.last
    if state.word:
        last = phrases.end_word(state.word, last, state.stack)
        if not last and state.word != phrases.NAME:
            return OPERAND  # no keyword any more
        last = last or "w"
    if last in GOES_ON:
        return GOES_ON[last]
    if last in WANTS_OPERAND and not (last == ":" and top in phrases.BLOCKS) and not (last == "," and top == LIST):
        return OPERAND
    if top in phrases.FOR:
        return ";"
    if CLOSED_BY.get(top) in (")", "]"):
        return OPERAND if last in ("(", "[") and len(state.stack) > 1 else CLOSED_BY[top]
    if top == LIST or (top and last in (";", "}", "{", "I")):
        return CLOSED_BY[top]
    return ";"
