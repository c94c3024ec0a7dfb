"""Whether brackets, literals, comments and conditionals of C match: a reader that shares nothing with the grammar.

Comments, literals and directives are cut out by one regular expression, and the brackets of what remains have to
cancel, whichever branches of conditionals are taken: all first ones, all last ones, or only those of `#else`.
"""

import re
from collections.abc import Iterator
from typing import Any

CONDITIONAL = re.compile(r"\s*#\s*(ifdef|ifndef|if|elif|else|endif)\b(.*)", re.DOTALL)
CUT = re.compile(
    r"""(?P<directive>^(?:[ \t]|/\*(?:[^*]|\*(?!/))*\*/)*(?P<hash>\#(?:/\*.*?\*/|//[^\n]*|\\\r*\n|[^\n])*))
      | (?P<comment>/\*.*?\*/|//(?:\\\r*\n|[^\n])*)
      | (?P<literal>"(?:\\\r*.|[^"\\\n])*"|'(?:\\\r*.|[^'\\\n])+')""",
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
Branch = tuple[str, list[Any]]  # if, elif or else; code (str) and conditionals (list of branches)


def tree(text: str) -> list[Any] | None:
    """Code without comments and literals, conditionals as lists of branches; None where they do not match."""
    root: list[Any] = []
    conditionals: list[tuple[list[Any], list[Branch]]] = []
    inner, at = root, 0
    for match in CUT.finditer(text):
        inner.append(text[at : match.start()])
        at = match.end()
        found = CONDITIONAL.match(match["hash"]) if match["directive"] else None
        if found is None:
            inner.append(" ")
            continue
        name = found[1]
        if name.startswith("if"):
            conditionals.append((inner, [("never" if found[2].strip() == "0" else "if", [])]))
        elif not conditionals:
            return None
        elif name == "endif":
            inner, branches = conditionals.pop()
            inner.append(branches)
            continue
        else:
            conditionals[-1][1].append((name, []))
        inner = conditionals[-1][1][-1][1]
    inner.append(text[at:])
    return None if conditionals else root


def reading(parts: list[Any], choice: str) -> Iterator[str]:
    """The code that remains when of each conditional the first, the last or only the else branch is taken."""
    for part in parts:
        if isinstance(part, str):
            yield part
            continue
        branches: list[Branch] = [branch for branch in part if branch[0] != "never"]
        if choice == "else":
            branches = [branch for branch in branches if branch[0] == "else"]
        if branches:
            yield from reading(branches[0 if choice == "first" else -1][1], choice)


def balanced(text: str) -> bool:
    """Whether brackets, literals, comments and conditionals match."""
    parts = tree(text)
    return parts is not None and all(cancels("".join(reading(parts, choice))) for choice in ("first", "last", "else"))


def cancels(code: str) -> bool:
    """Whether nothing unfinished stands in code without comments and literals."""
    if re.search(r"[\"'#]|/\*", code):
        return False
    brackets = re.sub(r"[^()\[\]{}]", "", code)
    while (shorter := re.sub(r"\(\)|\[\]|\{\}", "", brackets)) != brackets:
        brackets = shorter
    return not brackets
