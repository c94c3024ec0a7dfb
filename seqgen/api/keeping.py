"""What a call asks of music, for one model and prompt: controls, a grammar that keeps to them, a file. No command
line."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqgen.api.music import Music
from seqgen.codecs import Grammar, Ids, Mask
from seqgen.codecs.midi import Midi
from seqgen.codecs.midi import vocabulary as v
from seqgen.codecs.midi.controls import Controls, described, instruments, tonality
from seqgen.codecs.midi.score import DRUMS
from seqgen.codecs.midi.steering import MIDDLE, SteeredPerformance
from seqgen.errors import DataError, UsageError
from seqgen.tokenizer import FramedGrammar, Tokenizer

if TYPE_CHECKING:
    from seqgen.api.model import Model

Programs = frozenset[int] | None
Groups = tuple[frozenset[int], ...]
ANY = "any"
LOOKED_AT = 20_000_000  # tokens of a corpus, at most, in which instruments are looked for


def require_music(tokenizer: Tokenizer, music: Music) -> Midi:
    """The codec, if it can keep to what is asked.

    Raises:
        UsageError: It cannot.
    """
    codec = tokenizer.codec
    if isinstance(codec, Midi):
        return codec
    if codec.artifact != ".mid":
        raise UsageError(f"--{music.asked} is for music, this model makes {codec.artifact} files", "leave it out")
    raise UsageError(
        f"--{music.asked} needs a model of codec midi, this one has codec {tokenizer.codec_name}", "leave it out"
    )


def opening_of(tokenizer: Tokenizer, data: bytes, seconds: float | None) -> Ids:
    """(n,) ids of a prompt without framing, whose countdown leaves so much time where that is known."""
    if seconds is None or not isinstance(tokenizer.codec, Midi):
        return tokenizer.opening(data)
    ids = tokenizer.codec.opening(data, int(MIDDLE * seconds * v.SECOND))
    return ids.astype(tokenizer.frame().dtype, copy=False)


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
    codec = tokenizer.codec
    assert isinstance(codec, Midi)
    begins = {ends_at(tokenizer, prompt) for prompt in prompts}
    if len(begins) > 1:
        raise UsageError("prompts of different lengths cannot be steered together", "sample them one by one")
    inner = SteeredPerformance(codec.within(bounds, seen), controls, begins.pop())
    return FramedGrammar(inner, tokenizer.document_id, tokenizer.vocab_size)


def freed(seen: Mask, controls: Controls) -> Mask:
    """(SIZE,) the tokens that were seen, and those of the instruments that are asked for."""
    mask = seen.copy()
    for program in controls.programs or ():
        if program == DRUMS and not seen[v.DRUM : v.PEDAL].any():
            mask[v.DRUM : v.PEDAL] = True
        elif program != DRUMS:
            mask[v.INST + program] = True
            for low, high in ((v.PITCH, v.DUR), (v.DUR, v.DRUM)):
                mask[low:high] |= not seen[low:high].any()
    return mask


def ends_at(tokenizer: Tokenizer, prompt: Ids) -> int:
    """The last onset of a prompt, in steps."""
    return int(v.STEPS[prompt[prompt < tokenizer.document_id]].sum())


def resolve(model: "Model", music: Music, prompts: Sequence[Ids]) -> tuple[Controls, list[str]]:
    """What is asked, for this model and these prompts; and remarks for people.

    Raises:
        UsageError: Something that is asked for does not exist, or the model makes no such music.
    """
    tokenizer = model.tokenizer
    require_music(tokenizer, music)
    prompt = np.concatenate([each[each < tokenizer.document_id] for each in prompts]).astype(np.int64)
    if len(prompt) and music.density is not None:
        raise UsageError("--density is for new pieces, a prompt has its own", "leave --density or the prompt out")
    scale, tonic = tonality(music.key, music.scale)
    remarks: list[str] = []
    programs, groups = _programs(model, music.instruments, prompt, remarks)
    velocities = prompt[(prompt >= v.VEL) & (prompt < v.PITCH)] - v.VEL
    levels = v.velocity_of(velocities)
    loud = (int(levels.min()), int(levels.max())) if len(levels) else None
    if programs == frozenset({DRUMS}) and scale is not None:
        remarks.append("Drums have no key, so --key and --scale change nothing.")
    return Controls(programs, scale, tonic, music.tempo, music.density, music.length, loud, groups), remarks


def _programs(model: "Model", words: str | None, prompt: NDArray[Any], remarks: list[str]) -> tuple[Programs, Groups]:
    """The instruments asked for, those of the prompt, or any; of a family those that the model knows.

    And each word's, where there are several words: all of them are to sound.
    """
    if words is None:
        return _played(prompt) or None, ()
    if words.strip().lower() == ANY:
        return None, ()
    asked, known = instruments(words), _known(model)
    groups = []
    for word, found in asked.items():
        heard = found & known if known is not None else found
        if not heard:
            remarks.append(f"{model.name} has never heard {word!r}; it knows {described(known or frozenset())}.")
        groups.append(heard or found)
    return frozenset().union(*groups), tuple(groups) if len(groups) > 1 else ()


def _known(model: "Model") -> frozenset[int] | None:
    """What sounds in the corpus that the model learned from; None where that is not known any more."""
    if model.seen is not None:
        return _sounding(model.seen.counts)
    from seqgen.training.recorded import recorded  # not needed to start

    try:
        stream = recorded(model.folder).stream
    except DataError:
        return None
    return _played(np.asarray(stream.ids[:LOOKED_AT]))


def _played(ids: NDArray[Any]) -> frozenset[int]:
    """The programs, and DRUMS, of performance tokens."""
    return _sounding(np.bincount(ids.astype(np.int64), minlength=v.SIZE))


def _sounding(counts: NDArray[np.int64]) -> frozenset[int]:
    """The programs, and DRUMS, of performance tokens that occur so often."""
    pitched = set(np.flatnonzero(counts[v.INST : v.VEL]).tolist())
    return frozenset(pitched | ({DRUMS} if counts[v.DRUM : v.PEDAL].any() else set()))
