"""What a brace is: a block that ends its statement, a list, members, or part of a value, behind which it goes on.

`f = function () { … }` wants its semicolon, `function f() { … }` has none; between the braces of a function statements
end with semicolons, between those of an object or an initializer they do not. The table of a language says which words
and signs make a statement one with a value; no more of it is parsed.
"""

from seqgen.codecs._code.language import Language
from seqgen.codecs._code.state import (
    BLOCK,
    BODIED,
    BODIES,
    DONE,
    FRESH,
    HEAD,
    HEADED,
    LIST,
    ONE_MINUS,
    ONE_PLUS,
    OPERANDS,
    RECORD,
    STATEMENTS,
    TENTATIVE,
    VALUE,
    VALUED,
    State,
)

SINGLE = {ONE_PLUS: "+", ONE_MINUS: "-"}  # what they are if anything else follows
BEFORE_VALUES = frozenset("=([,?:&|!+-*%^~<.k")  # the classes behind which a value begins, where slashes divide
WITH_VALUE = frozenset({VALUED, TENTATIVE, BODIED})
OPENED = frozenset({BLOCK, RECORD, LIST, *BODIES.values()})  # braces within which a statement begins
CLOSING = {RECORD: "w", VALUE: "w", HEAD: FRESH, **dict.fromkeys(BODIES.values(), DONE)}  # where not the sign itself
RESTORED = {kind: awaits for awaits, kind in BODIES.items()}


def after_word(language: Language, state: State, word: str) -> str:
    """What a statement awaits behind a finished word."""
    awaits, last = state.awaits, state.last
    if last == "." or state.stack[-1:] not in STATEMENTS:
        return awaits
    if last == DONE and word not in language.leads:
        awaits = ""  # nothing that begins with a word goes on with a value that ended so
    if awaits == TENTATIVE:
        awaits = VALUED
    kind = language.braces.get(word, "")
    if awaits == VALUED:
        return BODIED if kind == BLOCK else awaits
    if awaits:
        return awaits
    anonymous = word in language.functions and last in BEFORE_VALUES - {"k"}
    return kind or (VALUED if anonymous or word in language.values else "")


def after_sign(language: Language, state: State, char: str) -> str:
    """What a statement awaits behind a sign that is no bracket."""
    awaits, last = state.awaits, state.last
    if state.stack[-1:] not in STATEMENTS:
        return awaits
    if char == ";":
        return ""
    if char == ">" and last == "=" and awaits == TENTATIVE:
        return VALUED if "=>" in language.values else ""
    if char != "=" or last in ("<", "!"):
        return awaits
    if last == "=":
        return "" if awaits == TENTATIVE else awaits
    if awaits == TENTATIVE:
        return VALUED
    return TENTATIVE if language.values and awaits in ("", RECORD, VALUE) else awaits


def after_line(state: State) -> str:
    """What a statement awaits on the next line, where the end of a line may end it."""
    ended = state.last in OPERANDS or state.last == DONE
    return "" if ended and state.awaits in WITH_VALUE and state.stack[-1:] in STATEMENTS else state.awaits


def opening(language: Language, state: State, char: str) -> tuple[str, str]:
    """(the kind of a bracket that opens, what is awaited inside)."""
    awaits, last, top = state.awaits, SINGLE.get(state.last, state.last), state.stack[-1:]
    if char != "{":
        return HEAD if char == "(" and last == HEADED else char, VALUED if awaits == TENTATIVE else awaits
    if top == LIST:
        return (BLOCK if last in language.bodied else LIST), ""
    within = top not in STATEMENTS
    if not within and awaits in (BLOCK, RECORD, LIST, VALUE):
        return awaits, awaits if awaits == VALUE else ""
    if language.bodied and (within or awaits in WITH_VALUE):
        if last in language.bodied or (awaits == BODIED and not within):
            return BODIES.get(VALUED if awaits in WITH_VALUE else awaits, BODIES[""]), ""
        return VALUE, VALUED if awaits == TENTATIVE else awaits
    labelled = last == ":" and not within  # behind a label, or a case
    if language.divides and last in BEFORE_VALUES and not labelled:
        return VALUE, awaits
    return BLOCK, ""


def closing(state: State, kind: str, char: str) -> tuple[str, str]:
    """(what stood last, what is awaited) behind a bracket of some kind that closed."""
    return CLOSING.get(kind, char), RESTORED.get(kind, "") if kind in OPENED else state.awaits
