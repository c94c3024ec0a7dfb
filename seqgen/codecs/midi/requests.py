"""What is asked of music in words, for one codec and prompt: which controls that is. Knows no model."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs import Codec, Ids
from seqgen.codecs.midi.controlled import ControlledCodec
from seqgen.errors import UsageError
from seqgen.music.controls import Controls, described, instruments, tonality
from seqgen.music.form import Form
from seqgen.music.request import Music
from seqgen.music.score import DRUMS

Counts = NDArray[np.int64]  # (vocab_size,) how often each token occurs
Programs = frozenset[int] | None
Groups = tuple[frozenset[int], ...]
ANY = "any"
DIGITS = 17  # of a number of bars that can be counted with


def steerable(codec: Codec, name: str, music: Music) -> ControlledCodec:
    """The codec, if it can keep to what is asked; `name` is the codec's.

    Raises:
        UsageError: It cannot.
    """
    codec.require("music", f"--{music.asked}", "leave it out")
    found = codec.steerable()
    if found is None:
        said = f"--{music.asked} needs a model of codec midi_bar or midi, this one has codec {name}"
        raise UsageError(said, "leave it out")
    if music.meter is not None and not found.has_meters:
        raise UsageError("--meter needs a model of codec midi_bar, this one counts seconds", "leave it out")
    if music.form is not None and not found.has_meters:
        raise UsageError(
            "--form needs a model of codec midi_bar, which knows bars; this one counts seconds", "leave it out"
        )
    return found


def controls_of(
    codec: ControlledCodec,
    music: Music,
    prompt: Ids,
    learned: Callable[[], Counts | None],
    model: str,
    similarity: Callable[[], Mapping[int, float]] = dict,
) -> tuple[Controls, list[str]]:
    """What is asked, for this codec and prompt; and remarks for people.

    Args:
        codec: What makes the music.
        music: What is asked.
        prompt: (n,) ids of all prompts, without framing.
        learned: Gives how often each token stands in the training corpus, None where that is not known any more.
        model: What remarks call it.
        similarity: Gives how alike bars of the training corpus are, by lag; nothing where that is not known any more.

    Raises:
        UsageError: Something that is asked for does not exist, or does not fit the prompt.
    """
    if len(prompt) and music.density is not None:
        raise UsageError("--density is for new pieces, a prompt has its own", "leave --density or the prompt out")
    scale, tonic = tonality(music.key, music.scale)
    remarks: list[str] = []
    programs, groups = _programs(codec, music.instruments, prompt, learned, model, remarks)
    if programs == frozenset({DRUMS}) and scale is not None:
        remarks.append("Drums have no key, so --key and --scale change nothing.")
    controls = Controls(
        programs, scale, tonic, music.tempo, music.density, music.length, codec.loudness(prompt), groups,
        music.all_bars, music.meter, same_parts=bool(len(prompt)) and music.instruments is None, speed=music.speed,
        form=_form(music, similarity, model),
    )  # fmt: skip
    return controls, remarks


def _form(music: Music, similarity: Callable[[], Mapping[int, float]], model: str) -> Form | None:
    """What is to come back; where that is as in the corpus, how alike its bars are."""
    form = music.shape
    if form is None or form.letters:
        return form
    known = similarity()
    if not known:
        said = (
            f"how alike the bars of its corpus are is not known of {model}: neither its checkpoint nor its folder says"
        )
        raise UsageError(said, "name sections, as in --form aaba; or train it anew")
    return replace(form, similarity=tuple(sorted(known.items())))


def _programs(
    codec: ControlledCodec,
    words: str | None,
    prompt: Ids,
    learned: Callable[[], Counts | None],
    model: str,
    remarks: list[str],
) -> tuple[Programs, Groups]:
    """The instruments asked for, those of the prompt, or any; of a family those that the model knows.

    And each word's, where there are several words: all of them are to sound.
    """
    if words is None:
        return codec.sounding(occurrences(codec, prompt)) or None, ()
    if words.strip().lower() == ANY:
        return None, ()
    asked, counts = instruments(words), learned()
    known = None if counts is None else codec.sounding(counts)
    groups = []
    for word, found in asked.items():
        heard = found & known if known is not None else found
        if not heard:
            remarks.append(f"{model} has never heard {word!r}; it knows {described(known or frozenset())}.")
        groups.append(heard or found)
    return frozenset().union(*groups), tuple(groups) if len(groups) > 1 else ()


def occurrences(codec: Codec, ids: NDArray[Any]) -> Counts:
    """(vocab_size,) how often each of the codec's tokens stands among (N,) ids."""
    return np.bincount(ids.astype(np.int64), minlength=codec.vocab_size)[: codec.vocab_size]


def tokens_of_bars(
    codec: Codec, name: str, wanted: str, music: Music | None, learned: Callable[[], Counts]
) -> tuple[int, str]:
    """(`max_copy` in tokens, a remark): bars are as many as the training corpus has of them, on the average, in that
    time.

    Args:
        codec, name: What makes the music.
        wanted: Such as "8bars".
        music: What else is asked.
        learned: Gives how often each token stands in the training corpus.

    Raises:
        UsageError: It is no number of bars, or bars were given for what has none.
        DataError: The corpus is not there.
    """
    found = codec.steerable()
    if found is None:
        raise UsageError(f"--max-copy {wanted} is for music, this model has codec {name}", "give a number of tokens")
    number = wanted.removesuffix("bars")
    if not (number.isascii() and number.isdecimal() and len(number) < DIGITS and int(number)):
        raise UsageError(f"max_copy is {wanted!r}, expected a number of tokens, or bars as in 8bars")
    bars, bar = int(number), 2.0
    if music is not None:
        bar = music.bar if music.tempo is None else music.beats * 60 / music.tempo
    tokens = max(1, round(found.tokens_of_bars(learned(), bars, bar)))
    return tokens, f"{bars} bars are about {tokens} tokens of the corpus."
