"""Training and opening a sentencepiece model: quiet, deterministic, in bounded memory, never too large for its corpus.

Knows the library's habits (it needs one sentence at a time, calls a space U+2581 and cannot tell that from the
character itself) and nothing of codecs. Sources: Kudo 2018 (unigram), Sennrich, Haddow & Birch 2016 (byte pairs).
"""

import io
from collections.abc import Iterable

import numpy as np
import sentencepiece

from seqgen.codecs import _subword_file
from seqgen.codecs._characters import blocks, code_points

SPACE = "\u2581"
UNKNOWN = "\u2585"
SAMPLE = 4 << 20  # bytes a model is trained on: more changes the pieces little and costs minutes
PIECE = 1 << 16  # bytes in a row that enter the sample or do not
LINE = 4096  # characters of a line that sentencepiece sees at once
THREADS = _subword_file.THREADS  # fixed, whatever the machine: sums of floats depend on how they are split


def train(pieces: Iterable[bytes], model_type: str, vocab_size: int) -> bytes:
    """A serialized model of at most `vocab_size` pieces beside the unknown one; empty where there is nothing to learn.

    Args:
        pieces: The corpus, passed over once; about `SAMPLE` bytes of it are used.
        model_type: `unigram` or `bpe`.
        vocab_size: 256 bytes included. A small corpus gives a smaller vocabulary.
    """
    lines = _lines(sample(pieces).decode("utf-8", "ignore"), most=(vocab_size - 256) // 2)
    if not any(line.strip("\t") for line in lines):
        return b""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        model_type=model_type,
        vocab_size=vocab_size + 1,
        hard_vocab_limit=False,
        byte_fallback=True,
        character_coverage=1.0,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        allow_whitespace_only_pieces=True,
        user_defined_symbols=list(_subword_file.OWN_SYMBOLS),
        bos_id=-1,
        eos_id=-1,
        pad_id=-1,
        max_sentence_length=_subword_file.SENTENCE,
        num_threads=THREADS,
        minloglevel=3,
    )
    return _subword_file.write(*_subword_file.parts(model.getvalue()))  # without what another version of it may add


def sample(pieces: Iterable[bytes], limit: int = SAMPLE) -> bytes:
    """At most about `limit` bytes of a corpus, evenly spread over it, joined by newlines. No randomness."""
    kept: list[bytes] = []
    total, stride = 0, 1
    for index, block in enumerate(block for piece in pieces for block in blocks(piece, PIECE)):
        if index % stride:
            continue
        kept.append(block)
        total += len(block)
        while total > limit and len(kept) > 1:
            kept, stride = kept[::2], stride * 2
            total = sum(map(len, kept))
    return b"\n".join(kept)


def _lines(text: str, most: int) -> list[str]:
    """Sentences to train on, of at most `most` different characters: the rarer ones are told by their bytes."""
    counts = np.bincount(code_points(text))
    order = np.argsort(-counts, kind="stable")
    left_out = {0, ord(SPACE), ord(UNKNOWN), *(int(point) for point in order[most:] if counts[point])}
    text = text.translate(dict.fromkeys(left_out, "\n"))
    return [line[at : at + LINE] for line in text.split("\n") for at in range(0, len(line), LINE)]


def load(model: bytes) -> sentencepiece.SentencePieceProcessor:
    """An opened model.

    Raises:
        ValueError: These bytes are no model, or none that seqgen writes.
    """
    _subword_file.read(model)
    try:
        return sentencepiece.SentencePieceProcessor(model_proto=model)
    except (RuntimeError, OSError) as error:
        raise ValueError(_subword_file.DAMAGED) from error
