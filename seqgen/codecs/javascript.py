"""JavaScript and TypeScript: template literals with code in them, and slashes that divide or quote."""

from seqgen.codecs import Golden
from seqgen.codecs._code.language import C_COMMENTS, Language, Region, line_comment, string
from seqgen.codecs._code.source import SourceCode
from seqgen.codecs._code.state import ARROW, DONE, FRESH, LIST, WORD
from seqgen.media import Plain


class JavaScript(SourceCode):
    """JavaScript and TypeScript, one token a character; brackets, literals and comments kept in order.

    A slash divides behind what ends a value: a name, a number, a literal, ) but for that of `if (x)`, ], the brace of
    an object, `x++`, `x!`. Else it begins a regular expression, as behind `return`, and behind the brace of a block or
    a function. Text between tags, as JSX has it, counts as code: a lone quote in it is taken for a literal's beginning.
    """

    language = Language(
        regions=(
            *C_COMMENTS,
            line_comment("#!"),
            Region("</", ""),  # of a tag that closes; nobody compares with a regular expression
            string('"'),
            string("'"),
            Region("`", "`", escape="\\", lines=True, holes="${"),
        ),
        foreign="\\",
        letters=WORD | {"$"},
        goes_on=frozenset(
            {"return", "typeof", "instanceof", "in", "of", "new", "delete", "void", "throw", "case"}
            | {"yield", "await", "export", "import", "default", "extends"}
        ),
        divides=True,
        heads=frozenset({"if", "while", "for", "with"}),
        leads=frozenset({"do", "else"}),
        declares=frozenset({"const", "let", "var"}),
        braces={"enum": LIST},
        values=frozenset({"return", "throw", "=>"}),
        functions=frozenset({"function", "class"}),
        bodied=frozenset(')w">]}' + ARROW + DONE + FRESH),
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
