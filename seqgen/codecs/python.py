"""Python: brackets, triple quotes, and indentation."""

from seqgen.codecs import Golden
from seqgen.codecs._code.language import CONTINUED, Language, line_comment, string
from seqgen.codecs._code.source import SourceCode
from seqgen.media import Plain


class Python(SourceCode):
    """Python, one token a character; brackets, literals, comments and indentation kept in order.

    What a literal says of code inside it, as f-strings do, counts as text.
    """

    language = Language(
        regions=(
            line_comment("#"),
            string('"'),
            string("'"),
            string('"""', lines=True),
            string("'''", lines=True),
            *CONTINUED,
        ),
        foreign="$?`",
        newline_ends=True,
        layout=True,
        parser="tree_sitter_python:language",
    )
    suffixes = (".py", ".pyi")
    medium = Plain("Python")
    suffix = ".py"
    golden = Golden("né = 1\n".encode(), (110, 256, 32, 61, 32, 49, 10))
