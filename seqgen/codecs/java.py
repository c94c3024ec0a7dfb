"""Java: brackets, comments, text blocks."""

from seqgen.codecs import Golden
from seqgen.codecs._code.language import C_COMMENTS, Language, character, string
from seqgen.codecs._code.source import SourceCode
from seqgen.codecs._code.state import ARROW, LIST
from seqgen.media import Plain


class Java(SourceCode):
    """Java, one token a character; brackets, literals and comments kept in order."""

    language = Language(
        regions=(*C_COMMENTS, string('"'), character("'"), string('"""', lines=True)),
        foreign="#`\\",
        braces={"enum": LIST},
        values=frozenset({"return", "throw", "assert", "new"}),
        bodied=frozenset(")w>" + ARROW),
        parser="tree_sitter_java:language",
    )
    suffixes = (".java",)
    medium = Plain("Java")
    suffix = ".java"
    golden = Golden("né = 1;\n".encode(), (110, 256, 32, 61, 32, 49, 59, 10))
