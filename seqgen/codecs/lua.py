"""Lua: brackets, blocks between words, long literals and comments."""

from seqgen.codecs import Golden
from seqgen.codecs._code.language import Language, block_comment, line_comment, raw, string
from seqgen.codecs._code.source import SourceCode
from seqgen.media import Plain

LEVELS = ["=" * level for level in range(8)]  # of long brackets


class Lua(SourceCode):
    """Lua, one token a character; brackets, literals, comments and blocks kept in order."""

    language = Language(
        regions=(
            line_comment("--"),
            line_comment("#!"),
            *(block_comment(f"--[{level}[", f"]{level}]") for level in LEVELS),
            *(raw(f"[{level}[", f"]{level}]") for level in LEVELS),
            string('"'),
            string("'"),
        ),
        foreign="@$!?`\\",
        blocks={"function": "end", "if": "end", "do": "end", "repeat": "until"},
        goes_on=frozenset({"until", "return", "local", "and", "or", "not", "in", "then", "else", "elseif"}),
        newline_ends=True,
        parser="tree_sitter_lua:language",
    )
    suffixes = (".lua",)
    medium = Plain("Lua")
    suffix = ".lua"
    golden = Golden("né = 1\n".encode(), (110, 256, 32, 61, 32, 49, 10))
