"""Whether a slash divides or begins a regular expression: what words, signs and brackets are to a slash behind them.

Standards leave it to the syntax (ECMA-262, 12: InputElementDiv, InputElementRegExp). What stood last and the kind of
bracket that closed tell it but in a few places, which are told where a language is (`javascript.py`).
"""

from seqgen.codecs._code.braces import SINGLE
from seqgen.codecs._code.language import Language
from seqgen.codecs._code.state import FRESH, HEADED, ONE_MINUS, ONE_PLUS, OPERANDS, State

ONCE = {"+": ONE_PLUS, "-": ONE_MINUS}


def class_of_word(language: Language, word: str, before: str) -> str:
    """What a finished word is to what follows it; behind a full stop it is but a name."""
    if language.divides and before == ".":
        return "w"
    if word in language.heads:
        return HEADED
    if word in language.leads:
        return FRESH
    if word in language.declares:
        return "w" if before == ":" else "k"  # a type, in `x as const`
    if word == "as" and language.declares:
        return ":"
    return "w" if word not in language.goes_on else HEADED if before == HEADED else "k"  # `for await (`


def class_of_sign(state: State, char: str) -> str:
    """What a sign is to what follows it: `x++` is a value, as `x!` is in TypeScript."""
    last = state.last
    if char in ONCE:
        return "w" if last == ONCE[char] else ONCE[char] if last in OPERANDS else char
    return last if char == "!" and last in OPERANDS and state.place != "start" else char


def apart(state: State) -> State:
    """The state behind a blank or the end of a line: one sign is not made two by another one."""
    return state._replace(last=SINGLE[state.last]) if state.last in SINGLE else state


def quotes(state: State, char: str) -> bool:
    """Whether a slash begins a regular expression, `char` being the next sign; `{x} />` ends a tag."""
    return state.last not in OPERANDS and not (state.last == "}" and char == ">")
