"""Which grammar holds for a sample: the codec's own, that of C over any text vocabulary, or one with a balanced end.

It knows codecs and lengths, no engine and no command line.
"""

from collections.abc import Mapping, Sequence

from seqgen.api.sampling import GrammarName
from seqgen.codecs import Codec, Grammar, Ids, Mask
from seqgen.codecs.c_source import balanced_grammar, c_grammar
from seqgen.errors import UsageError
from seqgen.tokenizer import FramedGrammar, Tokenizer

GRACE = 300  # tokens at least, in which an end may come by itself


def framed(
    tokenizer: Tokenizer, name: GrammarName, bounds: Mapping[str, int] | None = None, seen: Mask | None = None
) -> Grammar | None:
    """The grammar over the full vocabulary.

    Args:
        tokenizer: Whose tokens.
        name: True: the codec's own, if it has one. "c": that of C, whatever text the codec is for. False: none.
        bounds, seen: What the codec's own keeps to, see `Codec.within`.

    Raises:
        UsageError: There is no such grammar, or the tokens are no text.
    """
    if name is True or name is False:
        return tokenizer.within(bounds or {}, seen) if name else None
    if name != "c":
        raise UsageError(f"no grammar is called {name!r}, expected c", "leave it out for the model's own")
    return FramedGrammar(c_grammar(_bytes(tokenizer.codec)), tokenizer.document_id, tokenizer.vocab_size)


def balanced(
    tokenizer: Tokenizer, name: GrammarName, length: int | None, prompts: Sequence[Ids]
) -> tuple[Grammar, int]:
    """The grammar of C with an end outside all brackets, and the tokens within which it comes.

    Args:
        tokenizer: Whose tokens.
        name: As in `framed`; "c" where the codec is not that of C.
        length: Tokens after the prompt, from which on an end is looked for; as many more are given to find it.
        prompts: What the samples begin with.

    Raises:
        UsageError: The model makes no C, the grammar is off, or there is no length.
    """
    if name is False:
        raise UsageError("--balanced needs the grammar", "leave --no-grammar out")
    if name != "c":
        tokenizer.codec.require("C", "--balanced", "a text model that learned from C takes it with --grammar c")
    if length is None:
        raise UsageError("--balanced needs a length after which it looks for an end", "give a number of tokens")
    read = max(int((prompt < tokenizer.document_id).sum()) for prompt in prompts)
    inner = balanced_grammar(_bytes(tokenizer.codec), read + length, max(length, GRACE))
    return FramedGrammar(inner, tokenizer.document_id, tokenizer.vocab_size), inner.longest - read


def _bytes(codec: Codec) -> list[bytes]:
    codec.require("text", "the grammar of C")
    return codec.token_bytes() or []
