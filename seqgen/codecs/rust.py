"""Rust: comments within comments, raw literals, and names that begin with a quote."""

from seqgen.codecs import Golden
from seqgen.codecs._code.language import Language, Region, block_comment, line_comment, raw, string
from seqgen.codecs._code.source import SourceCode
from seqgen.codecs._code.state import ARROW, BLOCK, LIST
from seqgen.media import Plain

HASHES = ["#" * many for many in range(8)]  # around raw literals


class Rust(SourceCode):
    """Rust, one token a character; brackets, literals and comments kept in order."""

    language = Language(
        regions=(
            line_comment("//"),
            block_comment("/*", "*/", nests=True),
            string('"', lines=True),
            Region("'", "'", escape="\\", named=True),
            *(raw(f'{prefix}r{hashes}"', f'"{hashes}') for prefix in ("", "b", "c") for hashes in HASHES),
        ),
        foreign="`\\",
        braces={
            **dict.fromkeys(("struct", "enum", "union", "match"), LIST),
            **dict.fromkeys(("if", "else", "while", "for", "loop", "unsafe", "async", "fn"), BLOCK),
        },
        leads=frozenset({"else"}),
        values=frozenset({"return", "break", "let", "use"}),
        bodied=frozenset("|=)(,&" + ARROW),
        parser="tree_sitter_rust:language",
    )
    suffixes = (".rs",)
    medium = Plain("Rust")
    suffix = ".rs"
    golden = Golden("né = 1;\n".encode(), (110, 256, 32, 61, 32, 49, 59, 10))
