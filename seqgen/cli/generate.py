"""`seqgen generate`: a checkpoint in, new text, code or music out."""

from typing import Any

import click

from seqgen.cli import _completion
from seqgen.cli._config import config_option
from seqgen.cli._music import music_of, music_options
from seqgen.cli._options import MOST, json_option, note, whole
from seqgen.cli._paths import Input, Kind, Output
from seqgen.cli._variants import Listing, RulesCommand, complete_rules


def _length(ctx: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """A number of tokens, or inf."""
    if value is None or value.lower() == "inf":
        return None if value is None else float("inf")
    number = whole(value)
    if number is None:
        raise click.BadParameter(f"{value!r} is not a number of tokens, expected 0 to {MOST}, or inf")
    return number


def _temperature(ctx: click.Context, parameter: click.Parameter, value: str) -> float | str:
    """A number, or a schedule as it is."""
    try:
        return float(value)
    except ValueError:
        return value


def _copied(ctx: click.Context, parameter: click.Parameter, value: str | None) -> int | str | None:
    """A number of tokens, or of bars as it is."""
    if value is None:
        return None
    word = value.lower().removesuffix("bars").removesuffix("bar").strip()
    number = whole(word)
    if not number:
        raise click.BadParameter(f"{value!r} is neither a number of tokens from 1 to {MOST} nor of bars, as in 8bars")
    return number if word == value.strip() else f"{number}bars"


@click.command("generate", cls=RulesCommand, short_help="Sample new text, code or music.")
@click.argument("checkpoint", type=Input(), shell_complete=_completion.checkpoints)
@click.option("-p", "--prompt", metavar="TEXT", help="Text to continue (for music a file); none: a new document.")
@click.option(
    "--prompt-file", type=Input(), metavar="FILE", help="A file to continue (for music a .mid file), or - for stdin."
)
@click.option("-n", "--samples", type=click.IntRange(1, 4096), default=1, show_default=True, help="How many samples.")
@click.option(
    "-l", "--length", callback=_length, metavar="TOKENS", help="At most; inf: no limit. [text 1000, music 20000]"
)
@click.option(
    "-t",
    "--temperature",
    callback=_temperature,
    default="0.8",
    show_default=True,
    help="0: always the likeliest token.",
)
@click.option(
    "-r", "--rule", "rules", cls=Listing, kind="rules", nargs=2, multiple=True, metavar="RULE VALUE",
    shell_complete=complete_rules, help="As often as wanted; -r help tells of each:",
)  # fmt: skip
@click.option(
    "-o", "--output", type=Output(Kind.PLACE), metavar="OUT", help="A file, a folder (with a slash), or - for stdout."
)
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), help="Same seed, same sample.  [default: a fresh one]")
@click.option("--stop", multiple=True, metavar="TEXT", help="End a text after this, as often as wanted.")
@click.option(
    "--max-copy",
    callback=_copied,
    metavar="N",
    help="Never copy more than N tokens in a row; music: 8bars, in any key.",
)
@click.option("--best-of", type=click.IntRange(1, 1024), default=1, metavar="N", help="Keep the likeliest of N.")
@click.option("--beam", type=click.IntRange(1, 1024), metavar="N", help="Draw nothing: search the likeliest, N wide.")
@click.option("--label", help="Begin a document of this label, where the corpus had labels.")
@click.option(
    "--mix", multiple=True, type=Input(), metavar="CHECKPOINT[:WEIGHT]",
    help="Blend with another, or several seeds as an ensemble; 0..1 as weight fades it in.",
)  # fmt: skip
@click.option("--blend", metavar="LABEL:WEIGHT,...", help="Blend labels of CHECKPOINT: bach:0.7,joplin:0.3.")
@click.option("--fade", type=click.IntRange(0, MOST), metavar="TOKENS", help="How long weights change. [the length]")
@click.option(
    "--average", type=click.Choice(["logits", "probabilities"]), default="logits", show_default=True,
    help="Blend what all can agree on, or what any would say.",
)  # fmt: skip
@click.option(
    "--grammar", type=click.Choice(["auto", "c"]), default="auto", show_default=True,
    help="c: that of C, for a text model that learned from C.",
)  # fmt: skip
@click.option("--balanced", is_flag=True, help="Let C end where a definition does, soon after the length.")
@click.option("--no-grammar", "free", is_flag=True, help="Let C and music break their grammar.")
@click.option("--unseen", is_flag=True, help="Draw tokens, too, that training never saw.")
@music_options
@click.option("--engine", type=click.Choice(["auto", "numpy", "torch", "cuda"]), default="auto", show_default=True)
@click.option(
    "--device", default="auto", show_default=True, help="cpu, cuda or mps; auto: the CPU, which starts at once."
)
@click.option("--no-take", is_flag=True, help="Do not keep it for `seqgen takes`.")
@click.option("--events", is_flag=True, help="Tell of every token, as lines of JSON on stdout.")
@click.option("--follow", is_flag=True, help="Be steered by lines of JSON on stdin.")
@json_option
@config_option
def command(checkpoint: str, seed: int | None, **options: Any) -> None:
    """Sample from CHECKPOINT: a run folder, a file, or the name of a published one.

    Text goes to the terminal as it is sampled, or to OUT. Several samples go to OUT-1.txt, OUT-2.txt and so on, or
    into the folder OUT/. Music needs OUT. A sample holds the prompt and what follows it; it ends where the model ends
    its document, at the length, or after --stop. Rules work in the order given: ban,
    bias, no_repeat and repetition before the temperature, the others after it.

    \b
      seqgen generate checkpoints/plays -p "ROMEO:" -t 0.7 -r top_p 0.95
      seqgen generate checkpoints/chorales -n 4 -o chorale.mid
      seqgen generate checkpoints/songs --key Am --minutes 4 -o song.mid
      seqgen generate checkpoints/plays --mix checkpoints/code:0..1 -l 4000
    """
    import secrets

    from seqgen.jobs.sample.mixing import Mixing, chosen
    from seqgen.jobs.sample.session import Request, Session

    drawn = secrets.randbits(32) if seed is None else seed
    mixing = Mixing(*(options.pop(name) for name in ("mix", "blend", "fade", "average")))
    music = music_of(options)
    session = Session(*chosen(checkpoint, Request(seed=drawn, music=music, **options), mixing))
    if seed is None:
        note(f"Seed: {drawn}")
    session.run()
