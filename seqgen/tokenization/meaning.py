"""What the ids of a stream stand for: its tokenizer, which must have as many tokens as the stream says."""

from seqgen.errors import StreamError
from seqgen.stream import TokenStream
from seqgen.tokenizer import Tokenizer


def tokenizer_of(stream: TokenStream) -> Tokenizer:
    """The tokenizer that made a stream.

    Raises:
        StreamError: It is damaged, names a codec that this version does not have, or has another vocabulary.
    """
    try:
        made = Tokenizer.from_spec(stream.codec_spec)
    except StreamError as error:
        raise StreamError(f"{stream.path}: {error.message}", error.hint) from error
    if made.vocab_size != stream.vocab_size:
        fault = f"its vocabulary is {stream.vocab_size}, but its codec has {made.vocab_size} tokens"
        raise StreamError(f"{stream.path}: is damaged: {fault}", "tokenize the corpus again")
    return made
