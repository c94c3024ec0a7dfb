"""Several checkpoints on one command line: which arguments are checkpoints, and whether their tokens are the same."""

import os
from collections.abc import Sequence
from pathlib import Path

from seqgen.checkpoint import FORMAT, MODEL_FILE, find
from seqgen.container import read_header
from seqgen.errors import CheckpointError, DataError, UsageError
from seqgen.tokenizer import Tokenizer

NAMED = 3  # tokens that a message names on either side


def divided(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """(checkpoints, source) of the arguments CHECKPOINT... [SOURCE]...

    The first is a checkpoint, whatever it is; so is each that follows it without a gap and is one. What exists on the
    disk is what it is. A name that stands for a published checkpoint and for a corpus is the corpus where it comes
    last, since that is the place of SOURCE.

    Raises:
        UsageError: A name could be either, or a checkpoint stands behind a SOURCE.
    """
    checkpoints, source = [arguments[0]], list(arguments[1:])
    while source and is_checkpoint(source[0]):
        if is_corpus(source[0]):
            if len(source) == 1:
                break
            raise UsageError(
                f"{source[0]} is both a checkpoint and a corpus",
                f"write the checkpoint as a path, as in {find(source[0]).parent}, or the corpus as the last argument",
            )
        checkpoints.append(source.pop(0))
    for name in source[1:]:
        if is_checkpoint(name) and not is_corpus(name):
            raise UsageError(
                f"{name} is a checkpoint, but stands behind the SOURCE {source[0]}",
                "write the checkpoints first, and SOURCE last",
            )
    return checkpoints, source


def is_checkpoint(name: str) -> bool:
    """Whether this names a run folder, a checkpoint file or a published checkpoint; a damaged file is none."""
    try:
        path = find(name)
        return path.name == MODEL_FILE or read_header(path, CheckpointError).metadata.get("format") == FORMAT
    except (DataError, OSError, ValueError):
        return False


def is_corpus(name: str) -> bool:
    """Whether this names a catalogued corpus, and nothing on the disk."""
    if os.path.lexists(name) or Path(name).name != name:
        return False
    from seqgen import catalogue

    return name in catalogue.names()


def require_same_tokens(names: Sequence[str], tokenizers: Sequence[Tokenizer], labels: bool) -> None:
    """Refuse checkpoints whose ids do not mean the same.

    Args:
        names: The checkpoints.
        tokenizers: Theirs.
        labels: Whether the labels must be the same too.

    Raises:
        CheckpointError: The codecs, their tokens or settings, or the labels differ; the message names the tokens.
    """
    first = tokenizers[0]
    for name, other in zip(names[1:], tokenizers[1:]):
        pair = f"{names[0]} and {name}"
        hint = "train both with -c byte, whose tokens are always the same"
        if first.codec_name != other.codec_name:
            raise CheckpointError(f"{pair} have different codecs, {first.codec_name} and {other.codec_name}", hint)
        own, theirs = first.codec.vocabulary(), other.codec.vocabulary()
        if own != theirs:
            said = [f"only {where} has {_named(only)}" for where, only in _differences(names[0], own, name, theirs)]
            raise CheckpointError(f"{pair} have different vocabularies: {'; '.join(said) or 'another order'}", hint)
        mine, its = first.spec() | {"labels": []}, other.spec() | {"labels": []}
        if mine != its:
            raise CheckpointError(f"{pair} have a codec {first.codec_name} of different settings", hint)
        if labels and first.labels != other.labels:
            said = [f"only {where} has {_named(only)}" for where, only in _differences(
                names[0], list(first.labels), name, list(other.labels))]  # fmt: skip
            raise CheckpointError(
                f"{pair} have different labels: {'; '.join(said) or 'another order'}", "train both on the same corpus"
            )


def _differences(name: str, own: list[str], other: str, theirs: list[str]) -> list[tuple[str, list[str]]]:
    """(name, what only it has) for each of the two that has something of its own."""
    sides = [(name, [each for each in own if each not in set(theirs)])]
    sides.append((other, [each for each in theirs if each not in set(own)]))
    return [(where, only) for where, only in sides if only]


def _named(tokens: list[str]) -> str:
    rest = len(tokens) - NAMED
    return ", ".join(map(repr, tokens[:NAMED])) + (f" and {rest} more" if rest > 0 else "")
