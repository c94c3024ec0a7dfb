"""C++: what C has, raw literals, and a semicolon behind classes."""

from seqgen.codecs import Golden
from seqgen.codecs._code.language import (
    C_DIRECTIVES,
    CONTINUED,
    Language,
    Region,
    block_comment,
    character,
    line_comment,
    string,
)
from seqgen.codecs._code.source import SourceCode
from seqgen.codecs._code.state import RECORD, VALUE
from seqgen.media import Plain


class Cpp(SourceCode):
    """C++, one token a character; brackets, literals, comments and conditionals kept in order."""

    language = Language(
        regions=(
            line_comment("//", escape="\\"),
            block_comment("/*", "*/"),
            string('"'),
            character("'"),
            *(Region(f'{prefix}R"', '"', lines=True, delimited=True) for prefix in ("", "L", "u", "U", "u8")),
            *CONTINUED,
        ),
        foreign="@`$\\#",
        directives=C_DIRECTIVES,
        braces={"class": RECORD, "struct": RECORD, "union": RECORD, "enum": VALUE},
        values=frozenset({"return", "throw", "co_return", "co_yield"}),
        bodied=frozenset(")]"),
        apart=True,
        parser="tree_sitter_cpp:language",
    )
    suffixes = (".cpp", ".cc", ".cxx", ".hpp", ".hh", ".hxx", ".ipp", ".inl", ".tpp")
    extra_suffixes = (".h", ".inc")
    medium = Plain("C++")
    suffix = ".cpp"
    golden = Golden("né = 1;\n".encode(), (110, 256, 32, 61, 32, 49, 59, 10))
