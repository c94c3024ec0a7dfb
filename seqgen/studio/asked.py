"""What a page asks of a sample, as the job that makes it."""

from typing import Any

from seqgen.api.model import Model
from seqgen.api.sampling import UNLIMITED, fresh_seed
from seqgen.errors import UsageError
from seqgen.jobs.jam.settings import JamJob
from seqgen.jobs.sample.settings import SampleJob
from seqgen.live import controls
from seqgen.live.source import temperature_of
from seqgen.music.request import Music
from seqgen.studio.room import Asked, field, seed_of

MOST_PROMPT = 40_000  # characters
AHEAD = 0.05  # seconds that a session plans; sound waits for no cable here
ENDLESS = "inf"
MUSICAL = ("instruments", "key", "scale", "density", "tempo")


def job_of(asked: Asked, model: Model, primer: str | None = None) -> SampleJob:
    """The job of a message {"checkpoint", "prompt", "values", "length", "seed", "label"}; what is missing is as usual.

    Args:
        asked: The message.
        model: The checkpoint, loaded.
        primer: A file that music goes on from.

    Raises:
        SeqgenError: A value makes no sense.
    """
    values = controls.defaults() | controls.settled({}, controls.checked(field(asked, "values", dict, {})))
    prompt = field(asked, "prompt", str, None)
    if prompt is not None and len(prompt) > MOST_PROMPT:
        raise UsageError(f"the prompt has {len(prompt):,} letters, expected {MOST_PROMPT:,} at most", "give its end")
    if prompt and not model.is_text:
        raise UsageError(f"{model.name} makes music, which goes on with no text")
    if primer is not None and model.is_text:
        raise UsageError(f"{model.name} makes text, which goes on with no music", "choose a model of music")
    length: Any = asked.get("length")
    if length == ENDLESS:
        length = UNLIMITED
    elif length is not None:
        length = field(asked, "length", int)
    seed = seed_of(asked)
    return SampleJob(
        checkpoint=model.name,
        prompt=prompt or None,
        prompt_file=primer,
        seed=fresh_seed() if seed is None else seed,
        length=length,
        label=values["label"],
        temperature=temperature_of(values, model),
        rules=rules_of(values),
        music=None if model.is_text else music_of(values, asked),
        clamp=cells(values["clamp"]),
        gain=cells(values["gain"]),
        follow=True,
    )


def live_of(asked: Asked, model: Model) -> JamJob:
    """The session of a message {"checkpoint", "values", "seed"}.

    Raises:
        SeqgenError: A value makes no sense, or the model makes no music that can be played live.
    """
    if model.tokenizer.codec.steerable() is None:
        raise UsageError(f"{model.name} cannot be played live", "generate with it")
    values = controls.settled({}, controls.checked(field(asked, "values", dict, {})))
    seed = seed_of(asked)
    return JamJob(
        checkpoint=model.name, values=values, seed=fresh_seed() if seed is None else seed, log=None, ahead=AHEAD,
        ports="loopback", virtual=True,
    )  # fmt: skip


def rules_of(values: dict[str, Any]) -> list[tuple[str, Any]]:
    """Name and value of each rule among the controls."""
    named = (
        (name.removeprefix(controls.RULE), value) for name, value in values.items() if name.startswith(controls.RULE)
    )
    return [(name, value) for name, value in named if value is not None]


def music_of(values: dict[str, Any], asked: Asked) -> Music | None:
    """What music is to keep to; None: anything.

    Raises:
        SeqgenError: A value makes no sense.
    """
    given = {name: values[name] for name in MUSICAL if values[name] is not None}
    if values["meter"] is not None:
        given["meter"] = controls.meter_of(values["meter"])
    for name in ("bars", "seconds"):
        if asked.get(name) is not None:
            given[name] = field(asked, name, int)
    return Music(**given) if given else None


def cells(text: str | None) -> tuple[str, ...]:
    """Cells as `--clamp` and `--gain` take them."""
    return tuple(each.strip() for each in text.split(",")) if text else ()
