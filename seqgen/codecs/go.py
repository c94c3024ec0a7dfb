"""Go: statements that end with their line, raw literals between backquotes."""

from seqgen.codecs import Golden
from seqgen.codecs._code.language import C_COMMENTS, Language, character, raw, string
from seqgen.codecs._code.source import SourceCode
from seqgen.media import Plain


class Go(SourceCode):
    """Go, one token a character; brackets, literals and comments kept in order."""

    language = Language(
        regions=(*C_COMMENTS, string('"'), character("'"), raw("`")),
        foreign="#$?@\\",
        goes_on=frozenset({"func", "type", "var", "const", "import", "package", "struct", "interface", "map", "chan"}),
        newline_ends=True,
        parser="tree_sitter_go:language",
    )
    suffixes = (".go",)
    medium = Plain("Go")
    suffix = ".go"
    golden = Golden("né := 1\n".encode(), (110, 256, 32, 58, 61, 32, 49, 10))
