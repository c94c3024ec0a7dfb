"""tree-sitter-c in a process of its own: texts of C from standard input, what it finds in each to standard output.

It is slower than linear on some texts, 30 kB of which hold it for a minute, answers no signal meanwhile, and is a
library of C over strangers' text: so it runs where it can be ended. Run by its path, it imports nothing of seqgen.
A text is eight bytes of its length, and the text; an answer is a line of JSON.
"""

import json
import sys
from typing import Any


def main() -> None:
    """Answer until the input ends."""
    import tree_sitter
    import tree_sitter_c

    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_c.language()))
    while size := sys.stdin.buffer.read(8):
        found = described(parser.parse(sys.stdin.buffer.read(int.from_bytes(size, "little"))).root_node)
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()


def described(root: Any) -> dict[str, object]:
    """Function definitions outside everything, those that parse, and (kind, byte, line) of each fault, in order."""
    functions = [node for node in root.children if node.type == "function_definition"]
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
