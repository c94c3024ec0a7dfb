"""The options of `seqgen generate` that are about music: what was typed, and what a primer adds to it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from seqgen.cli._options import MOST, note
from seqgen.errors import UsageError

if TYPE_CHECKING:
    from seqgen.api.model import Model
    from seqgen.api.music import Music

Function = TypeVar("Function", bound=Callable[..., Any])
OPTIONS = ("instruments", "key", "scale", "tempo", "meter", "density", "minutes", "seconds", "bars", "grid")


def _meter(ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """Numerator and denominator."""
    if value is None:
        return None
    over, _, under = value.partition("/")
    if not all(number.isascii() and number.isdecimal() and len(number) < 3 and int(number) for number in (over, under)):
        raise click.BadParameter(f"{value!r} is no meter, expected two numbers such as 6/8")
    return int(over), int(under)


def music_options(function: Function) -> Function:
    """`--instruments`, `--key` and so on."""
    options = [
        click.option(
            "--instruments", metavar="NAMES", help="Music: these and no others, as in piano,bass,drums; any: whatever."
        ),
        click.option("--key", metavar="KEY", help="Music: no other notes than those of C, F#, Am, Bbm …"),
        click.option("--scale", metavar="SCALE", help="Music: with --key, another scale, such as minor-pentatonic."),
        click.option("--tempo", type=float, metavar="BPM", help="Music: how fast, in quarter notes a minute."),
        click.option("--meter", callback=_meter, metavar="6/8", help="Music: this meter throughout."),
        click.option(
            "--density",
            type=click.IntRange(1, 8),
            metavar="1..8",
            help="Music: how many notes; 8 is 20 a second and more.",
        ),
        click.option("--minutes", type=float, help="Music: end after so long, with a cadence."),
        click.option("--seconds", type=float, help="Music: the same in seconds."),
        click.option(
            "--bars", type=click.IntRange(1, MOST), help="Music: the same in bars; after a prompt, so much more."
        ),
        click.option("--grid", type=click.IntRange(1, 96), metavar="16", help="Music: onsets and ends on sixteenths."),
        click.option("--no-prompt-in-output", "no_prompt", is_flag=True, help="Write what follows the prompt alone."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def music_of(options: dict[str, Any]) -> "Music | None":
    """What was asked of music; takes its options out of the others. None where nothing was.

    Raises:
        UsageError: A value makes no sense, or two lengths were given.
    """
    given = {name: options.pop(name) for name in OPTIONS}
    if all(value is None for value in given.values()):
        return None
    from seqgen.api.music import Music

    minutes = given.pop("minutes")
    if minutes is not None and given["seconds"] is not None:
        raise UsageError("both --minutes and --seconds were given, expected one of them")
    if minutes is not None:
        given["seconds"] = 60 * minutes
    return Music(**given)


def tokens_of(model: "Model", longest: int | str, music: "Music | None") -> int:
    """`--max-copy` in tokens: bars are as many as the training corpus has of them, on the average, in that time.

    Raises:
        UsageError: Bars were given for what has none.
    """
    if isinstance(longest, int):
        return longest
    import numpy as np  # not needed to show help

    from seqgen.codecs.midi.controlled import ControlledCodec

    codec = model.tokenizer.codec
    if not isinstance(codec, ControlledCodec):
        hint = "give a number of tokens"
        raise UsageError(f"--max-copy {longest} is for music, this model has codec {model.tokenizer.codec_name}", hint)
    bars, bar = int(longest.removesuffix("bars")), 2.0
    if music is not None:
        bar = music.bar if music.tempo is None else music.beats * 60 / music.tempo
    counts = np.sum([index.counts() for index in model.indexes()], axis=0)[: codec.vocab_size]
    tokens = max(1, round(codec.tokens_of_bars(counts, bars, bar)))
    note(f"{bars} bars are about {tokens} tokens of the corpus.")
    return tokens


def in_format_of(path: Path, data: bytes, artifact: str) -> bytes:
    """The file as its name says, where music can be printed so: .musicxml, .xml, .abc.

    Raises:
        MidiError: It lies on no grid that can be printed.
    """
    suffix = path.suffix.lower()
    if artifact != ".mid" or suffix in ("", artifact):
        return data
    from seqgen.music.convert import WRITERS, converted

    return converted(data, suffix) if suffix in WRITERS else data
