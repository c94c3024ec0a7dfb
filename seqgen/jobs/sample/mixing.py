"""`--mix`, `--blend` and `--fade` of `seqgen generate`: from what was typed to a mixture of models."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from seqgen.api.mixture import Voice, mix
from seqgen.api.model import Model, load
from seqgen.api.sampler import LENGTH, LENGTHS, UNLIMITED
from seqgen.cli._options import note
from seqgen.errors import UsageError
from seqgen.jobs.sample.request import Request

Weight = tuple[float, float]  # at the start, at the end
SLACK = 1e-9  # by which weights may miss one, as .1 + .2 + .7 does


@dataclass(frozen=True)
class Mixing:
    """What was asked for.

    Attributes:
        mix: "CHECKPOINT" or "CHECKPOINT:WEIGHT" each, beside the command's own checkpoint.
        blend: "LABEL:WEIGHT,LABEL:WEIGHT" of the one checkpoint, or None.
        fade: Tokens over which weights change, or None: the length of a sample.
        average: What is blended.
    """

    mix: Sequence[str]
    blend: str | None
    fade: int | None
    average: Literal["logits", "probabilities"]

    @property
    def wanted(self) -> bool:
        """Whether there is anything to mix."""
        return bool(self.mix) or self.blend is not None


def chosen(checkpoint: str, request: Request, mixing: Mixing) -> tuple[Model, Request]:
    """The model that a request samples from, and what is then left to ask of it.

    Args:
        checkpoint: The command's own.
        request: Its other options.
        mixing: What is to be mixed, if anything.

    Raises:
        SeqgenError: A weight, a label or a checkpoint makes no sense, or vocabularies differ.
    """
    model = load(checkpoint, request.engine, request.device)
    if not mixing.wanted:
        if mixing.fade is not None:
            raise UsageError("--fade was given without --mix or --blend, whose weights it changes")
        return model, request
    if mixing.mix and mixing.blend is not None:
        raise UsageError("both --mix and --blend were given, expected one of them")
    voices = _mix(model, mixing.mix, request) if mixing.blend is None else _blend(model, mixing.blend, request.label)
    length = LENGTHS.get(model.artifact, LENGTH) if request.length is None else request.length
    made = mix(voices, _fade(voices, mixing.fade, length), mixing.average)
    note(f"Mixed: {made.name}")
    return made, replace(request, label=None)


def _mix(model: Model, names: Sequence[str], request: Request) -> list[Voice]:
    """The command's own checkpoint, with what weight is left, and the others."""
    given = [_named(name) for name in names]
    models = [model, *(load(name, request.engine, request.device) for name, _ in given)]
    wanted = request.label
    if wanted is not None and not any(wanted in each.tokenizer.labels for each in models):
        model.tokenizer.label_id(wanted)  # says what labels there are
    voices = []
    for each, (start, end) in zip(models, _shared([weight for _, weight in given])):
        asked = wanted if wanted in each.tokenizer.labels else None
        voices.append(Voice(each, start, end, each.label(asked, request.seed)))
    return voices


def _shared(given: Sequence[Weight | None]) -> list[Weight]:
    """Weights of the first checkpoint and the others: what the others leave, or the same for all."""
    weights = [weight for weight in given if weight is not None]
    if not weights:
        return [(1.0, 1.0)] * (len(given) + 1)
    if len(weights) < len(given):
        raise UsageError("some --mix have a weight and some have none", "give all of them one, or none")
    rest = [1 - sum(weight[side] for weight in weights) for side in (0, 1)]
    if min(rest) < -SLACK:
        raise UsageError(
            f"the weights of --mix come to {1 - min(rest):g}, expected 1 at most",
            "what they leave is the weight of the first checkpoint",
        )
    return [(max(rest[0], 0.0), max(rest[1], 0.0)), *weights]


def _blend(model: Model, text: str, label: str | None) -> list[Voice]:
    """Labels of one checkpoint."""
    if label is not None:
        raise UsageError("both --label and --blend were given, expected one of them")
    voices = []
    for item in text.split(","):
        name, weight = _named(item.strip())
        model.tokenizer.label_id(name)
        voices.append(Voice(model, *(weight or (1.0, 1.0)), label=name))
    return voices


def _fade(voices: Sequence[Voice], wanted: int | None, length: float) -> int:
    """Tokens from the first weights to the last."""
    changing = any(voice.start != voice.end for voice in voices)
    if not changing:
        if wanted is not None:
            raise UsageError("--fade was given, but no weight changes", "weights that do are written as in NAME:0..1")
        return 0
    if wanted is None and length == UNLIMITED:
        raise UsageError("a fade over a sample without end never ends", "say how long it takes: --fade 2000")
    return int(length) if wanted is None else wanted


def _named(item: str) -> tuple[str, Weight | None]:
    """(name, weight) of "NAME:WEIGHT"; what stands behind a colon but is no weight belongs to the name."""
    name, colon, text = item.rpartition(":")
    weight = _weight(text) if colon and name else None
    return (item, None) if weight is None else (name, weight)


def _weight(text: str) -> Weight | None:
    """(start, end) of "0.3" or "0..1"; None where it is neither."""
    start, dots, end = text.partition("..")
    try:
        found = float(start), float(end if dots else start)
    except ValueError:
        return None
    if not all(0 <= each < float("inf") for each in found):
        raise UsageError(f"a weight is {text}, expected 0 or more, or from 0 or more to 0 or more as in 0..1")
    return found
