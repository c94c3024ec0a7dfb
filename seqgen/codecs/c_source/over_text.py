"""The grammar of C for any codec whose tokens stand for bytes, and the one with an end outside all brackets."""

from seqgen.codecs import Codec, Grammar
from seqgen.codecs.c_source import balanced_grammar, c_grammar
from seqgen.errors import UsageError

GRACE = 300  # tokens at least, in which an end may come by itself


def grammar_of_c(codec: Codec, name: object = "c") -> Grammar:
    """The grammar of C over the codec's tokens.

    Args:
        codec: Whose tokens.
        name: What the grammar was called: "c" is the only one there is.

    Raises:
        UsageError: There is no such grammar, or the tokens are no text.
    """
    if name != "c":
        raise UsageError(f"no grammar is called {name!r}, expected c", "leave it out for the model's own")
    return c_grammar(_bytes(codec))


def balanced(codec: Codec, name: object, length: int | None, read: int) -> tuple[Grammar, int]:
    """The grammar of C with an end outside all brackets, and the tokens within which it comes.

    Args:
        codec: Whose tokens.
        name: "c" where the codec is not that of C, False: the grammar is off.
        length: Tokens after the prompt, from which on an end is looked for; as many more are given to find it.
        read: The tokens of the longest prompt.

    Raises:
        UsageError: The model makes no C, the grammar is off, or there is no length.
    """
    if name is False:
        raise UsageError("--balanced needs the grammar", "leave --no-grammar out")
    if name != "c":
        codec.require("C", "--balanced", "a text model that learned from C takes it with --grammar c")
    if length is None:
        raise UsageError("--balanced needs a length after which it looks for an end", "give a number of tokens")
    grammar = balanced_grammar(_bytes(codec), read + length, max(length, GRACE))
    return grammar, grammar.longest - read


def _bytes(codec: Codec) -> list[bytes]:
    codec.require("text", "the grammar of C")
    return codec.token_bytes() or []
