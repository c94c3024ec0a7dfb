"""JavaScript and TypeScript: template literals with code in them, and slashes that divide or quote."""

from seqgen.codecs import Golden
from seqgen.codecs._code.language import C_COMMENTS, Language, Region, line_comment, string
from seqgen.codecs._code.source import SourceCode
from seqgen.media import Plain


class JavaScript(SourceCode):
    """JavaScript and TypeScript, one token a character; brackets, literals and comments kept in order.

    A slash divides behind a name, a number, a literal, ) and ], else it begins a regular expression. Text between tags,
    as JSX has it, counts as code: a lone quote in it is taken for the beginning of a literal.
    """

    language = Language(
        regions=(
            *C_COMMENTS,
            line_comment("#!"),
            string('"'),
            string("'"),
            Region("`", "`", escape="\\", lines=True, holes="${"),
        ),
        foreign="\\",
        goes_on=frozenset(
            {"return", "typeof", "instanceof", "in", "of", "new", "delete", "void", "throw", "case", "do", "else"}
            | {"yield", "await", "export", "import", "default", "extends"}
        ),
        divides=True,
        parser="tree_sitter_javascript:language",
        parsers={
            ".ts": "tree_sitter_typescript:language_typescript",
            ".mts": "tree_sitter_typescript:language_typescript",
            ".cts": "tree_sitter_typescript:language_typescript",
            ".tsx": "tree_sitter_typescript:language_tsx",
        },
    )
    suffixes = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx")
    medium = Plain("JavaScript")
    suffix = ".js"
    golden = Golden("né = 1;\n".encode(), (110, 256, 32, 61, 32, 49, 59, 10))
