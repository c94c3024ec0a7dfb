"""The table of C, with the phrases that a tidy file keeps. The rules are those of ISO C 2011, 5.1.1.2 and 6.4."""

from seqgen.codecs._code.language import (
    C_DIRECTIVES,
    CONTINUED,
    Language,
    block_comment,
    character,
    line_comment,
    string,
)
from seqgen.codecs._code.state import ASCII_WORD, HIGH
from seqgen.codecs.c_source import phrases

LANGUAGE = Language(
    regions=(line_comment("//", escape="\\"), block_comment("/*", "*/"), string('"'), character("'"), *CONTINUED),
    foreign="@`#\\" + "".join(HIGH),
    letters=ASCII_WORD,
    directives=C_DIRECTIVES,
    phrases=phrases,
    parser="tree_sitter_c:language",
)
