"""Which words and signs of C may stand side by side: what a tidy file keeps beyond brackets and literals.

It sees one sign back, the word that grows and the innermost bracket; it is no parser, and knows no names. It is
stricter than C: macros that stand for types, statements or operators are refused, since nobody can read them without
their definitions. So it is for writing, not for judging what people wrote.

`last` of a tidy state is the class of the sign before: a sign itself, or one of
    T a name that may be a type    t u S N  a type: complete, one of several words, a struct's or an enum's tag
    q storage or qualifier         s e  struct or union, enum      w n "  name, number, literal      p  prefix ++ or --
    o L y v m  operators: binary, << or >>, unary, unary sign, first half of != or ==      a  arrow
    D  a number with a point
    k K F J G c d r z  if, while or switch, for, break or continue, goto, case, default, return, sizeof
    B C E I Q  behind an if's condition, another's, else or do, an if's block, a colon of either meaning
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from seqgen.codecs._code.state import RECORD, State

BLOCKS = frozenset("{b")  # a block, an if's block
LIST = "="  # braces around items
PARENS = frozenset("(icfgh")  # plain, if's, while's or switch's, for's with 0, 1, 2 semicolons
DEFINES = frozenset("{b=[")  # within these a parenthesis holds no parameters
FOR = {"f": "g", "g": "h"}
CLOSED_BY = {LIST: "}", **dict.fromkeys(PARENS, ")"), **dict.fromkeys(BLOCKS, "}")}
LITERALS = {"'": "n"}
KEYWORDS = {
    **dict.fromkeys(("int", "char", "void", "float", "double"), "t"),
    **dict.fromkeys(("unsigned", "signed", "long", "short"), "u"),
    **dict.fromkeys(("const", "volatile", "static", "extern", "register", "inline", "typedef"), "q"),
    "struct": "s",
    "union": "s",
    "enum": "e",
    "if": "k",
    "while": "K",
    "switch": "K",
    "for": "F",
    "do": "E",
    "else": "E",
    "return": "r",
    "break": "J",
    "continue": "J",
    "goto": "G",
    "case": "c",
    "default": "d",
    "sizeof": "z",
}
NAME, NUMBER = "?", "0"  # what a word is when it is no beginning of a keyword
STARTS = frozenset(["", *";{}IECB:Q"])  # what a statement may follow
BINARY = frozenset("=+-*<>&|oL")  # an operand has to follow
EXPECT = BINARY | frozenset("([,!yvprcz?Q")  # an operand may follow
OPERANDS = frozenset('wnD")]T')
TYPES = frozenset("TtuSN")
COMPLETE = frozenset(["", *";}{I:"])  # what a directive may stand behind
WANTS_OPERAND = frozenset("+-*/%=<>!&|^~?:,.oLyvpaczGqseQ")
GOES_ON = {"k": "(", "K": "(", "F": "(", "m": "=", "d": ":"}
OPERAND = "x"
# Tokens after which a function may still get its body: no end of a declaration, an initialiser, a list or an array.
BODIED = re.compile(r"(?!\w*+\s*+[;=,\[])")
BODIED_AFTER_LIST = re.compile(r"(?!\s*+[;=,\[(])")


@lru_cache(maxsize=1 << 14)
def may_grow(word: str, last: str, stack: str) -> bool:
    """Whether some word that begins so may stand here."""
    if word == NUMBER:
        return last == "D" or _value(last, stack)
    if _name(last, stack):
        return True
    return any(_keyword(kind, each, last, stack) for each, kind in KEYWORDS.items() if each.startswith(word))


def end_word(word: str, last: str, stack: str) -> str:
    """The class of a finished word, or "" where such a word may not stand."""
    if word == NUMBER:
        return "n"
    if word in KEYWORDS:
        return _keyword(KEYWORDS[word], word, last, stack)
    return _name(last, stack)


def _starts_statement(last: str, stack: str) -> bool:
    return last in STARTS and stack[-1:] in ("", "s", *BLOCKS)


def _parameters(stack: str) -> bool:
    """Whether one is among the parameters of a declaration."""
    return stack[-1:] == "(" and DEFINES.isdisjoint(stack)


def _expects(last: str, stack: str) -> bool:
    """Whether an operand may follow."""
    top = stack[-1:]
    if _parameters(stack) or (not stack and last != "=" and last not in ("o", "y", "v", "L")) or top == "s":
        return False
    return last in EXPECT or (last == "{" and top == "=") or (last == ";" and top in FOR.values())


def _value(last: str, stack: str) -> bool:
    """Whether a number or a character may stand here; a literal as well, or after another."""
    return _expects(last, stack) or (last == ")" and bool(stack) and not _parameters(stack) and stack[-1] != "s")


def _type_place(last: str, stack: str) -> bool:
    """Whether a type may begin here."""
    if _starts_statement(last, stack) or last == "q" or (last == "(" and stack[-1:] in ("(", "f")):
        return True
    return last == "," and _parameters(stack)


def _name(last: str, stack: str) -> str:
    if last == "s" or last == "e":
        return "S" if last == "s" else "N"
    if _starts_statement(last, stack) or last == "q" or (last in ("(", ",") and _parameters(stack)):
        return "T"
    if last == "(" and stack[-1:] == "f":
        return "T"
    if last in TYPES:
        inside = stack[-1:] in PARENS and not _parameters(stack) and stack[-1] != "f"
        return "" if inside or stack[-1:] in ("[", "=") else "w"
    fine = last == "*" or last in (".", "a", "G") or _value(last, stack) or (last == "," and stack[-1:] != "=")
    fine = fine or (stack[-1:] == "=" and last == ",")
    return "w" if fine else ""


def _keyword(kind: str, word: str, last: str, stack: str) -> str:
    if kind in "tuse":
        return kind if _type_place(last, stack) or (last == "u" and kind in "tu") else ""
    if kind == "q":
        if word in ("const", "volatile") and last in (*TYPES, "*"):
            return "*" if last == "*" else "t"
        return "q" if _type_place(last, stack) and (word == "const" or stack[-1:] in ("", *BLOCKS)) else ""
    if kind == "z":
        return "z" if _expects(last, stack) else ""
    if stack[-1:] not in BLOCKS or not stack:
        return ""
    if word == "else":
        return "E" if last in (";", "I") else ""
    return kind if last in STARTS and not (kind in "cd" and last in ("B", "C", "E")) else ""


def sign(char: str, last: str, stack: str) -> str:
    """The class of a sign that is no bracket, or "" where it may not stand."""
    operand = last in OPERANDS and not (_parameters(stack) or stack[-1:] == "s" or not stack)
    expects = _expects(last, stack) or (char in "*+-(" and last in STARTS and stack[-1:] in BLOCKS)
    if char == '"' or char == "'":
        return char if _value(last, stack) or (char == last == '"') else ""
    if char == "*":
        return "*" if operand or expects or last in TYPES or last == "*" else ""
    if char == "=":
        if last in ("=", "m", "<", ">", "+", "-", "*", "&", "|", "o", "L") and stack:
            return "o"
        if last in ("n", "D", '"') and operand:
            return "m"
        return "=" if last in ("w", "T", "]", ")") and not _parameters(stack) and stack[-1:] != "s" else ""
    if char in "+-":
        if last == char and stack:
            return "]"
        return char if operand else "p" if last == "v" else "v" if expects else ""
    if char in "<>":
        return "a" if char == ">" and last == "-" else "L" if last == char else char if operand else ""
    if char in "&|":
        return "o" if last == char else char if operand else "y" if char == "&" and expects else ""
    return _other_sign(char, last, stack, operand, expects)


def _other_sign(char: str, last: str, stack: str, operand: bool, expects: bool) -> str:
    top = stack[-1:]
    if char in "/%^?":
        return "o" if operand else ""
    if char in "!~":
        return "y" if expects else "m" if char == "!" and operand else ""
    if char == ".":
        if _parameters(stack):
            return "." if last in (",", ".") else ""
        return "D" if last == "n" else "." if operand or (top == "=" and last in ("{", ",")) else ""
    if char == ":":
        if top in BLOCKS:
            return ":" if last in ("T", "d") else "Q" if operand else ""
        return "o" if operand or (top == "s" and last == "w") else ""
    if char == ",":
        typed = _parameters(stack) and (last in TYPES or last == "*")
        return "," if last in OPERANDS - {"T"} or typed or (last == "T" and top in BLOCKS) else ""
    if char == ";":
        if top in FOR:
            return ";" if last in OPERANDS or last in ("(", ";") else ""
        ends = last in OPERANDS or last in ("J", "r", "S", "C")
        return ";" if top not in PARENS and top not in ("[", "=") and ends else ""
    return ""


def opening(char: str, last: str, stack: str) -> str:
    """The kind of an opening bracket, or "" where it may not stand."""
    top, inner = stack[-1:], stack[-1:] in BLOCKS
    if char == "[":
        return "[" if last in OPERANDS - {"n"} or (top == "=" and last in ("{", ",")) else ""
    if char == "(":
        if last in ("k", "K", "F"):
            return {"k": "i", "K": "c", "F": "f"}[last]
        if last in ("w", ")", "]", "*") or (last == "T" and stack):
            return "("
        declares = last in TYPES and _parameters(stack) and last != "T"
        return "(" if declares or _expects(last, stack) or (inner and last in STARTS) else ""
    if last == "=" or (top == "=" and last in ("{", ",")) or last in ("e", "N"):
        return "="
    if last in ("s", "S"):
        return "s"
    if last == "B":
        return "b"
    return "{" if (inner and last in STARTS) or (last == ")" and not stack) else ""


def may_close(last: str, stack: str) -> bool:
    """Whether the innermost bracket may be closed here."""
    top = stack[-1:]
    if top in BLOCKS:
        return last in (";", "{", "}", "I")
    if top == "s":
        return last == ";"
    if top == "=":
        return last in OPERANDS or last == ","
    if top == "[":
        return last in OPERANDS or last == "["
    if top == "h":
        return last in OPERANDS or last == ";"
    if top in ("f", "g"):
        return False
    named = last in OPERANDS or last in TYPES or last == "*"
    return named or (last == "(" and top == "(") or (last == "." and _parameters(stack))


def after_closing(top: str) -> str:
    """The class of a closing bracket, by its kind."""
    return {"i": "B", "c": "C", "f": "C", "g": "C", "h": "C", "(": ")", "[": "]", "b": "I", "{": "}", "": "}"}.get(
        top, "w"
    )


def after_sign(char: str, stack: str) -> str:
    """The stack behind a sign: a semicolon leads on between the brackets of a for."""
    return stack[:-1] + FOR[stack[-1]] if char == ";" and stack[-1:] in FOR else stack


def between(last: str, stack: str) -> bool:
    """Whether a directive may stand here: between statements."""
    return last in COMPLETE and stack[-1:] in ("", RECORD, *BLOCKS)


def deep(below: Iterable[str]) -> bool:
    """Whether something below says that a parenthesis holds no parameters."""
    return not DEFINES.isdisjoint(below)


def complete(state: State) -> bool:
    """Whether no statement is open."""
    return state.last in ("", ";", "}", "I") and not state.word


def bodied(last: str) -> re.Pattern[str]:
    """The beginnings of tokens after which a function may still get its body."""
    return BODIED_AFTER_LIST if last == ")" else BODIED


def completion(state: State) -> str:
    """The next byte of what completes the word, expression, statement or bracket in which one is."""
    stack, last = state.stack, state.last
    top = stack[-1:]
    if state.word:
        last = end_word(state.word, last, stack)
        if not last and state.word != NAME:
            return OPERAND  # no keyword any more
        last = last or "w"
    if last in GOES_ON:
        return GOES_ON[last]
    if last in WANTS_OPERAND and not (last == ":" and top in BLOCKS) and not (last == "," and top == LIST):
        return OPERAND
    if top in FOR:
        return ";"
    if top in PARENS or top == "[":
        return OPERAND if last in ("(", "[") and len(stack) > 1 else "]" if top == "[" else ")"
    return "}" if top == LIST or (top and last in (";", "}", "{", "I")) else ";"
