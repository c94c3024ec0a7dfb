"""Whether C is in order, as a parser judges that shares nothing with seqgen's own grammar: tree-sitter-c, an extra.

tree-sitter reads any text and marks what does not fit: an ERROR node for what it had to pass over, a MISSING node for
what it had to assume. A text is in order where there is neither. It does not run the preprocessor, so that C which
compiles may be marked too, where macros stand for what the grammar of C wants: of SQLite's functions about half are.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from seqgen.errors import UsageError

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

INSTALL = "pip install 'seqgen-art[c]'"


@dataclass(frozen=True)
class Fault:
    """What does not parse: its kind, and where it begins.

    Attributes:
        kind: "error", or "missing" and what is.
        byte: The offset, from 0.
        line: From 1.
    """

    kind: str
    byte: int
    line: int


@dataclass(frozen=True)
class Syntax:
    """What the parser found in one text.

    Attributes:
        functions: Function definitions outside everything.
        sound: Those of them in which everything parses.
        faults: The outermost ERROR and MISSING nodes, in order.
    """

    functions: int
    sound: int
    faults: tuple[Fault, ...]


@dataclass
class Tally:
    """What the parser found in several texts."""

    files: int = 0
    in_order: int = 0
    functions: int = 0
    sound: int = 0
    first_faults: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def installed() -> bool:
    """Whether the extra is there."""
    try:
        _parser()
    except UsageError:
        return False
    return True


def parse(data: bytes) -> Syntax:
    """What the parser says of a text.

    Raises:
        UsageError: The extra is not installed.
    """
    root = _parser().parse(data).root_node
    functions = [node for node in root.children if node.type == "function_definition"]
    return Syntax(len(functions), sum(not node.has_error for node in functions), tuple(_faults(root)))


def examine(texts: Iterable[tuple[str, bytes]]) -> Tally:
    """The same of several texts, each with a name; of those with faults the first is kept."""
    tally = Tally()
    for name, data in texts:
        found = parse(data)
        tally.files += 1
        tally.in_order += not found.faults
        tally.functions += found.functions
        tally.sound += found.sound
        if found.faults:
            first = found.faults[0]
            tally.first_faults[name] = f"line {first.line:,}: {first.kind}"
    return tally


def _faults(root: "Node") -> list[Fault]:
    found, nodes = [], [root]
    while nodes:
        node = nodes.pop()
        if node.is_error or node.is_missing:
            kind = f"missing {node.type}" if node.is_missing else "error"
            found.append(Fault(kind, node.start_byte, node.start_point[0] + 1))
        elif node.has_error:
            nodes += node.children
    return sorted(found, key=lambda fault: fault.byte)


@cache
def _parser() -> "Parser":
    try:
        import tree_sitter
        import tree_sitter_c
    except ImportError as error:
        raise UsageError("the parser tree-sitter-c is not installed", INSTALL) from error
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_c.language()))
