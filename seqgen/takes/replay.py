"""A stored take as the bytes that it was: from tokens and tokenizer alone, checkpoint and engine may be gone."""

import json
import struct
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np

from seqgen.errors import MALFORMED, CorpusError, MidiError, StreamError, TakeError
from seqgen.takes.record import Take, inscription, is_base, unpack
from seqgen.takes.store import TakePart, Takes
from seqgen.tokenizer import Tokenizer

MAX_PIECE = 4096  # bytes of one token: a forged one of a megabyte would make a terabyte of a small file
BEGINNING = 1 << 18  # bytes of a file in which the name of its take stands
SLICE = 1024  # tokens that are decoded at once


def replay(takes: Takes, take: Take) -> Iterator[bytes]:
    """The artifact, piece by piece: text in constant memory, music at once.

    Raises:
        TakeError: The take is damaged, or its codec is one that this version does not have.
    """
    tokenizer = tokenizer_of(take)
    if not tokenizer.is_text or "hole" in take.beginning.settings:
        yield _whole(takes, take, tokenizer)
        return
    pieces = tokenizer.token_bytes() or []
    held = b""  # the latest bytes, until it is known whether they are the last
    left_out = take.ending.prompt_tokens if take.beginning.settings.get("no_prompt") else 0
    for part in checked(takes, take, tokenizer.vocab_size):
        tokens = unpack(part.data).tolist()
        for begin in range(left_out, len(tokens), SLICE):
            yield held
            held = b"".join([pieces[token] for token in tokens[begin : begin + SLICE]])
        left_out = max(0, left_out - len(tokens))
    if take.ending.excess > len(held):
        raise _damaged(take, "more lies behind its stop string than there is")
    yield held[: len(held) - take.ending.excess]


def tokenizer_of(take: Take) -> Tokenizer:
    """What the tokens of a take stand for.

    Raises:
        TakeError: Its codec is damaged, or one that this version does not have.
    """
    try:
        return _tokenizer(take.beginning.source.text)
    except StreamError as error:
        raise TakeError(f"take {take.id}: {error.message}", "replay it with the version that made it") from error


@lru_cache(8)
def _tokenizer(spec: str) -> Tokenizer:
    tokenizer = Tokenizer.from_spec(json.loads(spec))
    if (longest := max(map(len, tokenizer.token_bytes() or [b""]))) > MAX_PIECE:
        raise StreamError(f"a token of {longest:,} bytes, expected {MAX_PIECE:,} at most")
    return tokenizer


def checked(takes: Takes, take: Take, vocab_size: int) -> Iterator[TakePart]:
    """The tokens of a take, which are compared with its fingerprint in the end."""
    fingerprint, count = take.beginning.fingerprint(), 0
    for part in takes.parts(take):
        tokens = unpack(part.data)
        if tokens.max(initial=0) >= vocab_size:
            raise _damaged(take, "it has tokens outside its vocabulary")
        fingerprint = fingerprint.extended(part.data)
        count += len(tokens)
        yield part
    if count != take.ending.prompt_tokens + take.ending.tokens:
        raise _damaged(take, "some of its tokens are missing")
    if take.whole and fingerprint.id(take.ending) != take.base:
        raise _damaged(take, "its tokens do not match its id")


def prompt_text(takes: Takes, take: Take, limit: int) -> str:
    """The prompt of a text, its first `limit` tokens at most; for music the empty text."""
    tokenizer = tokenizer_of(take)
    if not tokenizer.is_text:
        return ""
    for part in takes.parts(take):
        ids = unpack(part.data)[: min(limit, take.ending.prompt_tokens)]
        if ids.max(initial=0) < tokenizer.vocab_size:
            return tokenizer.decode(ids).decode("utf-8", "replace")
    return ""


def is_text(take: Take) -> bool:
    """Whether a take is text, which may go to a terminal."""
    return tokenizer_of(take).is_text


def artifact(take: Take) -> str:
    """The file name ending of what a take is."""
    return tokenizer_of(take).codec.suffix


def _whole(takes: Takes, take: Take, tokenizer: Tokenizer) -> bytes:
    parts = [unpack(part.data) for part in checked(takes, take, tokenizer.vocab_size)]
    ids = np.concatenate(parts) if parts else np.empty(0, np.uint32)
    settings, prompt = take.beginning.settings, take.ending.prompt_tokens
    with_prompt, timing = not settings.get("no_prompt"), settings.get("timing")
    try:
        with np.errstate(divide="raise", over="raise", invalid="raise"):
            if "hole" in settings:
                made = tokenizer.filled(settings["hole"], ids[:prompt], ids[prompt:])
            else:
                made = tokenizer.finish(ids[:prompt], ids[prompt:], with_prompt, timing)
    except (*MALFORMED, struct.error, MidiError) as error:
        what = "hole" if "hole" in settings else "timing"
        raise _damaged(take, f"its {what} makes no sense ({type(error).__name__})") from error
    return inscribed(tokenizer, made, inscription(take.base, take.beginning))


def inscribed(tokenizer: Tokenizer, made: bytes, text: str) -> bytes:
    """The artifact with a line about its take, where its format has room for one."""
    return tokenizer.medium.inscribed(made, text)


def carried(path: str) -> str:
    """The digits of the take that a MIDI file was made from: nothing else in it can mean a take.

    Raises:
        CorpusError: It cannot be read, or names none.
    """
    from seqgen.music.annotation import annotation

    try:
        with Path(path).open("rb") as file:
            text = annotation(file.read(BEGINNING)) or ""
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        found = json.loads(text.removeprefix("seqgen "))["take"]
    except MALFORMED:
        found = None
    if not is_base(found):
        raise CorpusError(f"{path}: names no take") from None
    return str(found)


def _damaged(take: Take, fault: str) -> TakeError:
    return TakeError(f"take {take.id} is damaged: {fault}", "import it again from an export, if there is one")
