"""tree-sitter in a process of its own: programs from standard input, what it finds in each to standard output.

It is slower than linear on some texts, 30 kB of which hold it for a minute, answers no signal meanwhile, and is a
library of C over strangers' text: so it runs where it can be ended. Run by its path, it imports nothing of seqgen.
Its argument names the grammar, as in `tree_sitter_c:language`. A text is eight bytes of its length, and the text; an
answer is a line of JSON.
"""

import importlib
import json
import sys
from typing import Any

FUNCTIONS = (  # what the grammars call the definition of a function; none means another thing by such a name
    "function_definition",
    "function_declaration",
    "generator_function_declaration",
    "function_expression",
    "function_item",
    "method_definition",
    "method_declaration",
    "constructor_declaration",
    "local_function_statement",
)


def main() -> None:
    """Answer until the input ends."""
    import tree_sitter

    module, _, function = sys.argv[1].partition(":")
    language = tree_sitter.Language(getattr(importlib.import_module(module), function)())
    parser = tree_sitter.Parser(language)
    known = [f"({name}) @it" for name in FUNCTIONS if language.id_for_node_kind(name, True)]
    cursor = tree_sitter.QueryCursor(tree_sitter.Query(language, "\n".join(known)))
    while size := sys.stdin.buffer.read(8):
        root = parser.parse(sys.stdin.buffer.read(int.from_bytes(size, "little"))).root_node
        sys.stdout.write(json.dumps(described(root, cursor.captures(root).get("it", []))) + "\n")
        sys.stdout.flush()


def described(root: Any, functions: list[Any]) -> dict[str, object]:
    """How many functions there are, how many of them parse, and (kind, byte, line) of each fault, in order."""
    return {
        "functions": len(functions),
        "sound": sum(not node.has_error for node in functions),
        "faults": sorted(faults(root), key=lambda fault: fault[1]),
    }


def faults(root: Any) -> list[tuple[str, int, int]]:
    """The outermost ERROR and MISSING nodes."""
    found, nodes = [], [root]
    while nodes:
        node = nodes.pop()
        if node.is_error or node.is_missing:
            kind = f"missing {node.type}" if node.is_missing else "error"
            found.append((kind, node.start_byte, node.start_point[0] + 1))
        elif node.has_error:
            nodes += node.children
    return found


if __name__ == "__main__":
    main()
