"""What a call asks of music, for one model and prompt: controls, a grammar that keeps to them, a file. No command
line."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqgen.api.music import Music
from seqgen.codecs import Grammar, Ids, Mask
from seqgen.errors import DataError, UsageError
from seqgen.music.controls import Controls, described, instruments, tonality
from seqgen.music.score import DRUMS
from seqgen.tokenizer import FramedGrammar, Tokenizer

if TYPE_CHECKING:
    from seqgen.api.model import Model
    from seqgen.codecs.midi.controlled import ControlledCodec

Programs = frozenset[int] | None
Groups = tuple[frozenset[int], ...]
ANY = "any"
DIGITS = 17  # of a number of bars that can be counted with
LOOKED_AT = 20_000_000  # tokens of a corpus, at most, in which instruments are looked for


def require_music(tokenizer: Tokenizer, music: Music) -> "ControlledCodec":
    """The codec, if it can keep to what is asked.

    Raises:
        UsageError: It cannot.
    """
    tokenizer.codec.require("music", f"--{music.asked}", "leave it out")
    codec = tokenizer.codec.steerable()
    if codec is None:
        said = f"--{music.asked} needs a model of codec midi_bar or midi, this one has codec {tokenizer.codec_name}"
        raise UsageError(said, "leave it out")
    if music.meter is not None and not codec.has_meters:
        raise UsageError("--meter needs a model of codec midi_bar, this one counts seconds", "leave it out")
    return codec


def opening_of(tokenizer: Tokenizer, data: bytes, seconds: float | None) -> Ids:
    """(n,) ids of a prompt without framing, whose countdown leaves so much time where that is known."""
    codec = tokenizer.codec.steerable()
    if seconds is None or codec is None:
        return tokenizer.encode_prompt(data)
    return codec.encode_prompt_before(data, seconds).astype(tokenizer.frame().dtype, copy=False)


def steered(
    tokenizer: Tokenizer,
    controls: Controls,
    prompts: Sequence[Ids],
    bounds: Mapping[str, int],
    seen: Mask | None,
) -> Grammar:
    """The grammar over the full vocabulary that keeps to controls after prompts, which must be equally long.

    `bounds` and `seen` are those of `Codec.within`.
    """
    codec = tokenizer.codec.steerable()
    assert codec is not None
    own = [prompt[prompt < tokenizer.document_id] for prompt in prompts]
    return FramedGrammar(codec.steered(controls, own, bounds, seen), tokenizer.document_id, tokenizer.vocab_size)


def freed(tokenizer: Tokenizer, seen: Mask, controls: Controls) -> Mask:
    """(V0,) the codec's tokens that were seen, and those of the instruments that are asked for."""
    codec = tokenizer.codec.steerable()
    assert codec is not None
    return codec.freed(seen, controls.programs or frozenset())


def resolve(model: "Model", music: Music, prompts: Sequence[Ids]) -> tuple[Controls, list[str]]:
    """What is asked, for this model and these prompts; and remarks for people.

    Raises:
        UsageError: Something that is asked for does not exist, or the model makes no such music.
    """
    tokenizer = model.tokenizer
    codec = require_music(tokenizer, music)
    prompt = np.concatenate([each[each < tokenizer.document_id] for each in prompts])
    if len(prompt) and music.density is not None:
        raise UsageError("--density is for new pieces, a prompt has its own", "leave --density or the prompt out")
    scale, tonic = tonality(music.key, music.scale)
    remarks: list[str] = []
    programs, groups = _programs(model, codec, music.instruments, prompt, remarks)
    if programs == frozenset({DRUMS}) and scale is not None:
        remarks.append("Drums have no key, so --key and --scale change nothing.")
    controls = Controls(
        programs, scale, tonic, music.tempo, music.density, music.length, codec.loudness(prompt), groups,
        music.bars, music.meter, same_parts=bool(len(prompt)) and music.instruments is None, speed=music.speed,
    )  # fmt: skip
    return controls, remarks


def _programs(
    model: "Model", codec: "ControlledCodec", words: str | None, prompt: Ids, remarks: list[str]
) -> tuple[Programs, Groups]:
    """The instruments asked for, those of the prompt, or any; of a family those that the model knows.

    And each word's, where there are several words: all of them are to sound.
    """
    if words is None:
        return codec.sounding(_counts(codec, prompt)) or None, ()
    if words.strip().lower() == ANY:
        return None, ()
    asked, known = instruments(words), _known(model, codec)
    groups = []
    for word, found in asked.items():
        heard = found & known if known is not None else found
        if not heard:
            remarks.append(f"{model.name} has never heard {word!r}; it knows {described(known or frozenset())}.")
        groups.append(heard or found)
    return frozenset().union(*groups), tuple(groups) if len(groups) > 1 else ()


def _known(model: "Model", codec: "ControlledCodec") -> frozenset[int] | None:
    """What sounds in the corpus that the model learned from; None where that is not known any more."""
    if model.seen is not None:
        return codec.sounding(model.seen.counts)
    from seqgen.training.recorded import recorded  # not needed to start

    try:
        stream = recorded(model.folder).stream
    except DataError:
        return None
    return codec.sounding(_counts(codec, np.asarray(stream.ids[:LOOKED_AT])))


def _counts(codec: "ControlledCodec", ids: NDArray[Any]) -> NDArray[np.int64]:
    """(vocab_size,) how often each of the codec's tokens stands among ids."""
    return np.bincount(ids.astype(np.int64), minlength=codec.vocab_size)[: codec.vocab_size]


def tokens_of_bars(model: "Model", wanted: str, music: Music | None) -> tuple[int, str]:
    """(`max_copy` in tokens, a remark): bars are as many as the training corpus has of them, on the average, in that
    time.

    Raises:
        UsageError: It is no number of bars, or bars were given for what has none.
        DataError: The corpus is not there.
    """
    codec, name = model.tokenizer.codec.steerable(), model.tokenizer.codec_name
    if codec is None:
        raise UsageError(f"--max-copy {wanted} is for music, this model has codec {name}", "give a number of tokens")
    number = wanted.removesuffix("bars")
    if not (number.isascii() and number.isdecimal() and len(number) < DIGITS and int(number)):
        raise UsageError(f"max_copy is {wanted!r}, expected a number of tokens, or bars as in 8bars")
    bars, bar = int(number), 2.0
    if music is not None:
        bar = music.bar if music.tempo is None else music.beats * 60 / music.tempo
    counts = np.sum([index.counts() for index in model.indexes()], axis=0)[: codec.vocab_size]
    tokens = max(1, round(codec.tokens_of_bars(counts, bars, bar)))
    return tokens, f"{bars} bars are about {tokens} tokens of the corpus."
