"""C#: verbatim and raw literals, and lines for a preprocessor."""

from seqgen.codecs import Golden
from seqgen.codecs._code.language import C_COMMENTS, Language, Region, character, raw, string
from seqgen.codecs._code.source import SourceCode
from seqgen.codecs._code.state import ARROW, LIST
from seqgen.media import Plain

QUOTES = ['"' * many for many in range(3, 8)]  # around raw literals


class CSharp(SourceCode):
    """C#, one token a character; brackets, literals, comments and conditionals kept in order.

    What a literal says of code inside it, behind a dollar, counts as text.
    """

    language = Language(
        regions=(
            *C_COMMENTS,
            string('"'),
            character("'"),
            *(Region(f'{sign}"', '"', lines=True, doubled=True) for sign in ("@", "@$", "$@")),
            *map(raw, QUOTES),
        ),
        foreign="`\\",
        braces={"enum": LIST},
        values=frozenset({"return", "throw", "=>"}),
        bodied=frozenset(ARROW),
        directives=frozenset(
            {"define", "undef", "error", "warning", "line", "region", "endregion", "pragma", "nullable"}
        ),
        parser="tree_sitter_c_sharp:language",
    )
    suffixes = (".cs", ".csx")
    medium = Plain("C#")
    suffix = ".cs"
    golden = Golden("né = 1;\n".encode(), (110, 256, 32, 61, 32, 49, 59, 10))
