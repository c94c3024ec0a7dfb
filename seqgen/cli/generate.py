"""`seqgen generate`: a checkpoint in, new text, code or music out."""

import functools
from typing import Any

import click

from seqgen.api.sampling import GrammarName
from seqgen.cli import _completion
from seqgen.cli._config import config_option
from seqgen.cli._music import music_of, music_options
from seqgen.cli._observer import Printer
from seqgen.cli._options import json_option, note, setting
from seqgen.cli._paths import Input, Kind, Output
from seqgen.cli._sampling import copied, length, temperature
from seqgen.cli._variants import Listing, RulesCommand, complete_rules
from seqgen.errors import UsageError
from seqgen.jobs.sample.settings import SampleJob


def _rate(ctx: click.Context, parameter: click.Parameter, value: str | None) -> float | bool:
    """A learning rate; True without one, False where nothing was asked for."""
    if value is None or not value.strip():
        return value is not None
    try:
        return float(value)
    except ValueError:
        said = f"{value!r} is no learning rate, expected a number such as 0.001, or nothing: put --adapt last"
        raise click.BadParameter(said) from None


_given = functools.partial(setting, SampleJob)


@click.command("generate", cls=RulesCommand, short_help="Sample new text, code or music.")
@click.argument("checkpoint", type=Input(), shell_complete=_completion.checkpoints)
@_given("prompt", "-p", "--prompt", metavar="TEXT")
@_given("prompt_file", "--prompt-file", type=Input(), metavar="FILE")
@_given("samples", "-n", "--samples", show_default=True)
@_given("length", "-l", "--length", callback=length, metavar="TOKENS")
@_given("temperature", "-t", "--temperature", callback=temperature, default="0.8", show_default=True)
@_given(
    "rules", "-r", "--rule", cls=Listing, kind="rules", nargs=2, multiple=True, metavar="RULE VALUE",
    shell_complete=complete_rules,
)  # fmt: skip
@_given("output", "-o", "--output", type=Output(Kind.PLACE), metavar="OUT")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), help="Same seed, same sample.  [default: a fresh one]")
@_given("stop", "--stop", multiple=True, metavar="TEXT")
@_given("max_copy", "--max-copy", callback=copied, metavar="N")
@_given("best_of", "--best-of", metavar="N")
@_given("beam", "--beam", metavar="N")
@_given("label", "--label")
@_given("mix", "--mix", multiple=True, type=Input(), metavar="CHECKPOINT[:WEIGHT]")
@_given("blend", "--blend", metavar="LABEL:WEIGHT,...")
@_given("fade", "--fade", metavar="TOKENS")
@_given("average", "--average", type=click.Choice(["logits", "probabilities"]), show_default=True)
@_given("grammar", "--grammar", metavar="NAME", default="auto", show_default=True)
@_given("balanced", "--balanced")
@click.option("--no-grammar", "free", is_flag=True, help="Let code, music and UTF-8 break their grammar.")
@_given("new", "--new")
@_given("unseen", "--unseen")
@click.option("--no-memory", "bare", is_flag=True, help="The network alone, without counts of corpus and document.")
@_given("clamp", "--clamp", multiple=True, metavar="CELL=VALUE")
@_given("gain", "--gain", multiple=True, metavar="CELL=FACTOR")
@_given("watch", "--watch", multiple=True, metavar="CELL")
@_given("adapt", "--adapt", callback=_rate, is_flag=False, flag_value="", type=str, default=None, metavar="[RATE]")
@music_options
@_given("no_prompt", "--no-prompt-in-output")
@_given("engine", "--engine", type=click.Choice(["auto", "numpy", "torch", "cuda"]), show_default=True)
@_given("device", "--device", show_default=True)
@_given("no_take", "--no-take")
@click.option("--events", is_flag=True, help="Tell of every token, as lines of JSON on stdout.")
@_given("follow", "--follow")
@json_option
@config_option
def command(
    checkpoint: str, seed: int | None, grammar: str, free: bool, bare: bool, events: bool, as_json: bool, **options: Any
) -> None:
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
    from seqgen.cli._audience import audience
    from seqgen.jobs.sample.controls import standard_input
    from seqgen.jobs.sample.preparing import prepare
    from seqgen.jobs.sample.session import run

    if events and as_json:
        raise UsageError("both --events and --json were given, expected one of them", "--events tells of samples too")
    options |= {} if seed is None else {"seed": seed}
    kept: GrammarName = False if free else grammar == "auto" or grammar
    job = SampleJob(checkpoint=checkpoint, music=music_of(options), grammar=kept, memory=not bare, **options)
    listener, observer = audience(as_json, events), Printer()
    prepared = prepare(job, listener, observer)
    if seed is None:
        note(f"Seed: {job.seed}")
    run(prepared, listener, observer, standard_input() if job.follow else None)
