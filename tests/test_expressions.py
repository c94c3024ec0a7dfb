"""No regular expression over strangers' text takes longer than linear time: every pattern of the package, looked at."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from expressions import slow

PACKAGE = Path(__file__).parent.parent / "seqgen"
CALLS = {"compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}
# Built from arguments, where no constant can be looked at; what comes out is found among the constants of its module.
BUILT = {"music/stretches.py:_patterns", "files/patterns.py:_either"}  # the latter in the words of fnmatch


@pytest.mark.parametrize(
    ("pattern", "search", "whole"),
    [
        (r"(a*)*b", False, False), (r"(a|a)*b", False, False), (r"(a+)+b", False, False), (r"a*a*b", False, False),
        (r"(?:a{1,3})+b", False, False), (r"(?:\d+,?)*x", False, False), (r".*a.*b", False, False),
        (r"\s*\)?\s*/", False, False), (r"(?:\s|\n\n)*x", False, False), (r"(\w+\s?)*x", False, False),
        (r"<rootfile\b[^>]*?\bfull-path", True, False), (r"\s+x", True, False), (r"(\d+)\.(\d+)", True, False),
        (r"a(?:.*b)?", True, False), (r"\d+\d*", False, True), (r"(?i:A)*a*b", False, False), (r"\s*$", True, False),
    ],
)  # fmt: skip
def test_slow_patterns_are_seen(pattern, search, whole):
    assert slow(pattern, 0, search, whole)


@pytest.mark.parametrize(
    ("pattern", "flags", "search"),
    [
        (r"(a|b)*c", 0, False), (r"(ab|a)*c", 0, False), (r"\s*+\)?+\s*+/", 0, False), (r"\s+x", 0, False),
        (r'"[^"]*"', 0, True), (r"^\s+x", 0, True), (rb"^/\*[^\n]*\*/$", re.M, True), (r"\d+(?:\.\d+)?", 0, True),
        (r"\n(?:[^\S\n]*+\n)++", 0, True), (r"a{0,8}a{0,8}b", 0, False), (r"x[^x]*+y", 0, True),
    ],
)  # fmt: skip
def test_quick_patterns_pass(pattern, flags, search):
    assert slow(pattern, flags, search) == ""


def test_what_is_called_slow_takes_longer():
    """The verdict is no opinion: the matcher's steps grow with the square, seen in time at two sizes far apart."""
    import time

    def seconds(pattern: str, size: int) -> float:
        began = time.process_time()
        re.match(pattern, "4" + " " * size + "x")
        return time.process_time() - began

    assert seconds(r"4\s*\)?\s*/", 8000) > 10 * seconds(r"4\s*+\)?+\s*+/", 8000)


def patterns(path: Path) -> Iterator[tuple[str, Any, int, bool, bool]]:
    """(where, pattern, flags, whether it is searched for, whether it has to match whole) of a file's expressions."""
    tree, name = ast.parse(path.read_text("utf-8")), str(path.relative_to(PACKAGE))
    module = importlib.import_module("seqgen." + name.removesuffix(".py").replace("/", ".").removesuffix(".__init__"))
    for scope, call in calls(tree):
        where = f"{name}:{scope}" if scope else f"{name}:{call.lineno}"
        try:
            pattern = eval(compile(ast.Expression(call.args[0]), name, "eval"), dict(vars(module)))
        except NameError:
            assert not scope or f"{name}:{scope}" in BUILT, (
                f"{name}:{call.lineno}: built from arguments, cannot be seen"
            )
            continue
        flags = sum(
            eval(compile(ast.Expression(each), name, "eval"), dict(vars(module)))
            for each in [*call.args[1:], *(keyword.value for keyword in call.keywords)]
            if "re." in ast.unparse(each)
        )
        method = call.func.attr  # type: ignore[attr-defined]
        if method != "compile":
            yield where, pattern, int(flags), method not in ("match", "fullmatch"), method == "fullmatch"
    for known, found in compiled(module):
        yield f"{name}:{known}", found.pattern, found.flags, *used(known)


def calls(tree: ast.AST, scope: str = "") -> Iterator[tuple[str, ast.Call]]:
    """Each call of `re`, with the function it stands in."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {f"re.{name}" for name in CALLS}:
            yield scope, node
        yield from calls(node, node.name if isinstance(node, ast.FunctionDef) else scope)


def compiled(module: ModuleType) -> Iterator[tuple[str, re.Pattern[Any]]]:
    """The compiled expressions among a module's constants, those in tuples too."""
    for name, value in vars(module).items():
        for each in flat(value):
            yield name, each


def flat(value: Any) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, list | tuple | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from flat(each)


LINES = [line for path in sorted(PACKAGE.rglob("*.py")) for line in path.read_text("utf-8").splitlines() if "(" in line]


def used(name: str) -> tuple[bool, bool]:
    """Whether a constant is searched for at many places, and whether it is only ever matched whole, as its uses say."""
    use = re.compile(rf"\b{name}\.(\w+)\(([^()]*)")
    uses = [(line[: found.start()], *found.groups()) for line in LINES if name in line for found in use.finditer(line)]
    if not uses:
        return True, False
    once = all(
        method == "fullmatch" or (method == "match" and ("," not in given or before.lstrip().startswith("while ")))
        for before, method, given in uses
    )  # a match that a loop begins with is tried again only where the last one ended
    return not once, all(method == "fullmatch" for _, method, _ in uses)


# The checks read only what they have made themselves.
READERS = [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent.name != "selftest"]


@pytest.mark.parametrize("path", READERS, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_expression_is_slower_than_linear(path):
    if "re." not in path.read_text("utf-8") or path.name == "__main__.py":
        return
    found = [(where, pattern, why) for where, pattern, *how in patterns(path) if (why := slow(pattern, *how))]
    assert found == []


def test_the_expressions_of_the_readers_are_among_them():
    found = [where for path in (PACKAGE / "music").rglob("*.py") for where, *_ in patterns(path)]
    assert {"music/notation/abc/fields.py:_METER", "music/stretches.py:RUNNING2"} <= set(found)
    assert len(found) > 20
