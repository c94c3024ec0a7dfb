"""The grammar of a language for any codec whose tokens stand for bytes, and the one with an end outside everything.

A language is the codec of that name; `c` is short for c_source.
"""

from seqgen import registry
from seqgen.codecs import Codec, Grammar
from seqgen.errors import UsageError

GRACE = 300  # tokens at least, in which an end may come by itself
SHORT = {"c": "c_source"}


def grammar_of(codec: Codec, name: str) -> Grammar:
    """The grammar of a language over the codec's tokens.

    Args:
        codec: Whose tokens.
        name: The language.

    Raises:
        UsageError: There is no such grammar, or the tokens are no text.
    """
    found = language_of(name).grammar_over(_bytes(codec, name))
    assert found is not None
    return found


def balanced(codec: Codec, name: bool | str, length: int | None, read: int) -> tuple[Grammar, int]:
    """The grammar of a language with an end outside everything, and the tokens within which it comes.

    Args:
        codec: Whose tokens.
        name: The language where the codec is not its own, True: the codec's, False: the grammar is off.
        length: Tokens after the prompt, from which on an end is looked for; as many more are given to find it.
        read: The tokens of the longest prompt.

    Raises:
        UsageError: The model makes no code, the grammar is off, or there is no length.
    """
    if name is False:
        raise UsageError("--balanced needs the grammar", "leave --no-grammar out")
    kind = type(codec) if name is True else language_of(name)
    if kind.grammar_over([]) is None:
        hint = "a text model that learned from C takes it with --grammar c, one of Python with --grammar python"
        raise UsageError(f"--balanced is for code, this model makes {codec.suffix} files", hint)
    if length is None:
        raise UsageError("--balanced needs a length after which it looks for an end", "give a number of tokens")
    grammar = kind.balanced_over(_bytes(codec, str(name)), read + length, max(length, GRACE))
    assert grammar is not None
    return grammar, grammar.longest - read


def language_of(name: str) -> type[Codec]:
    """The codec of a language. Raises UsageError where there is none of that name."""
    kinds: dict[str, type[Codec]] = registry.usable("codecs")
    kind = kinds.get(SHORT.get(name, name))
    if kind is None or kind.grammar_over([]) is None:
        known = [*SHORT, *(each for each in kinds if kinds[each].grammar_over([]) and each not in SHORT.values())]
        raise UsageError(f"no grammar is called {name!r}", registry.nearest(name, known))
    return kind


def _bytes(codec: Codec, name: str) -> list[bytes]:
    codec.require("text", f"the grammar of {name}")
    return codec.token_bytes() or []
