"""`seqgen evaluate`: how well a checkpoint predicts a corpus, or how likely it thinks a sentence."""

import json
import math
from typing import TYPE_CHECKING, Any

import click

from seqgen.cli import _completion
from seqgen.cli._config import config_option
from seqgen.cli._observer import Printer
from seqgen.cli._options import SettingsCommand, folder_options, json_option, note, settings_option
from seqgen.cli._paths import Input, Output
from seqgen.terminal.text import width_of

if TYPE_CHECKING:
    from seqgen.evaluation.report import Evaluation
    from seqgen.jobs.evaluate.job import Evaluated
    from seqgen.jobs.evaluate.music_samples import Made
    from seqgen.jobs.evaluate.settings import MusicJob, TextJob

WIDTH = 80


@click.command("evaluate", cls=SettingsCommand, short_help="Measure how well a checkpoint predicts.")
@click.argument(
    "arguments",
    nargs=-1,
    required=True,
    type=Input(),
    metavar="CHECKPOINT... [SOURCE]...",
    shell_complete=_completion.both,
)
@click.option("--text", help="Judge this text instead of a corpus: how likely is each of its characters?")
@click.option("--label", help="With --text: the label of the document that it begins.")
@click.option("--dynamic", is_flag=True, help="Measure again while the model goes on learning from what it has read.")
@click.option(
    "--average", type=click.Choice(["probabilities", "logits"]), default="probabilities", show_default=True,
    help="What an ensemble averages.",
)  # fmt: skip
@click.option("--samples", type=click.IntRange(4, 10_000), metavar="N", help="Music: N samples beside SOURCE.")
@click.option("--report", type=Output(), metavar="FILE", help="With --samples: an HTML page to look at and listen to.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True, help="Of --samples.")
@click.option("-t", "--temperature", type=float, default=1.0, show_default=True, help="Of --samples.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
@settings_option
@folder_options
@json_option
@config_option
def command(arguments: tuple[str, ...], as_json: bool, **how: Any) -> None:
    """Measure CHECKPOINT on SOURCE: files, folders, globs, a .tokens file, or a corpus by name.

    Files go through the checkpoint's own codec. Without SOURCE, the run's own validation split is taken. Lower is
    better, everywhere; an n-gram model of the run's training documents stands beside as the mark to beat. Several
    checkpoints with the same tokens are measured each, and as an ensemble. Where there are counts, network, corpus and
    document are mixed; on its own validation split by gates that were each fitted on the other half.

    With --dynamic (Krause et al. 2018), each piece of SOURCE is scored first and then learned from. Its settings, by
    -P: learning_rate, decay back to the trained weights, segment and statistics, both in tokens.

    With --samples, music that CHECKPOINT makes is held beside SOURCE: features of Yang & Lerch (2020), and measures
    such as notes in key, empty bars and how like a bar is to those before, by quartiles.

    \b
      seqgen evaluate checkpoints/plays another-play.txt
      seqgen evaluate checkpoints/plays another-play.txt --dynamic
      seqgen evaluate checkpoints/seed-1 checkpoints/seed-2 another-play.txt
      seqgen evaluate checkpoints/plays --text "To be, or not to be"
      seqgen evaluate checkpoints/songs --samples 100 --report songs.html
    """
    from seqgen.jobs.evaluate.settings import EvaluateCall, TextJob

    call = EvaluateCall(arguments, **how)
    job, music = call.jobs()
    if isinstance(job, TextJob):
        _judge(job, as_json)
        return
    from seqgen.jobs.evaluate.job import evaluate

    observer = Printer()
    made = None if music is None else _sampled(music, call.report, observer)
    found = evaluate(job, observer)
    if as_json:
        click.echo(json.dumps(found.to_json() | ({} if made is None else {"music": made.to_json()})))
    else:
        click.echo(_table(found) + ("" if made is None else "\n\n" + made.table()))


def _sampled(job: "MusicJob", report: str | None, observer: Printer) -> "Made":
    """Music beside SOURCE, and a page about it where one is wanted."""
    from seqgen.jobs.evaluate.music_samples import sample_and_compare, write_page

    made = sample_and_compare(job, observer)
    if report is not None:
        write_page(made, job.checkpoint, report)
        note(f"Wrote {report}")
    return made


def _table(found: "Evaluated") -> str:
    """The result for people."""
    first = found.members[0][1]
    names = ", ".join(name for name, _ in found.members)
    documents = f" in {first.documents:,} documents" if first.documents > 1 else ""
    lines = [f"{names} on {found.name}", f"{first.tokens:,} predicted tokens of codec {found.codec}{documents}", ""]
    lines.append(f"  {'':34}{'nats/token':>12}{'bits/token':>12}{'perplexity':>12}")
    rows: list[tuple[str, float | None]] = []
    for name, each in found.members:
        if len(found.members) > 1:
            rows.append((name if len(name) <= 34 else "…" + name[-33:], None))
        rows += _rows(each)
    if found.ensemble is not None:
        rows += [(f"ensemble of {len(found.members)}, mean {found.average}", None), *_rows(found.ensemble)]
    if first.ngram is not None:
        rows.append((f"{found.order}-gram of the training documents", first.ngram))
    for name, nats in rows:
        numbers = "" if nats is None else f"{nats:12.4f}{nats / math.log(2):12.4f}{math.exp(min(nats, 700)):12.4g}"
        lines.append(f"  {name:34}{numbers}".rstrip())
    shown = first if found.ensemble is None else found.ensemble
    rates = {key.replace("_", " "): value for key, value in shown.to_json().items() if key.startswith("bits_")}
    lines += ["", *(f"  {name:34}{value:12.4f}" for name, value in rates.items() if value is not None)]
    return "\n".join(lines)


def _rows(found: "Evaluation") -> list[tuple[str, float | None]]:
    """The numbers of one model."""
    rows: list[tuple[str, float | None]] = [("stateful (protocol B)", found.protocol_b)]
    if found.tempered is not None:
        rows.append((f"  at temperature {found.tempered.temperature:.3f}", found.tempered.nats))
    if found.dynamic is not None:
        rows.append(("  with dynamic evaluation", found.dynamic.nats))
        beside = zip(("the corpus", "corpus and document"), found.dynamic.counted or ())
        rows += [(f"  and counts of {name}", nats) for name, nats in beside]
    if found.experts is not None:
        rows += [(f"  with counts of {name}", nats) for name, nats in found.experts.protocol_b.rows]
    rows.append(("cold windows of 256 (protocol A)", found.protocol_a))
    if found.experts is not None:
        rows += [(f"  with counts of {name}", nats) for name, nats in found.experts.protocol_a.rows]
    return rows


def _judge(job: "TextJob", as_json: bool) -> None:
    """Print how likely each token of a text is."""
    from seqgen.jobs.evaluate.judging import judge

    found = judge(job)
    if as_json:
        click.echo(json.dumps(found.to_json()))
        return
    rates = f"{found.nats_per_character:.3f} nats a character, {found.bits_per_byte:.3f} bits a byte"
    click.echo("\n\n".join([*_columns(found.tokens), f"{len(found.tokens):,} tokens, {found.nats:.2f} nats: {rates}"]))
    note("Each token stands over its nats: 0 is certain, 0.7 one in two, 2.3 one in ten, 4.6 one in a hundred.")


def _columns(tokens: list[tuple[str, float]]) -> list[str]:
    """Blocks of two lines, at most WIDTH wide: token names, and under each its nats."""
    blocks, above, below = [], "", ""
    for name, nats in tokens:
        shown, value = name.replace(" ", "␣"), f"{nats:.1f}"
        width = max(width_of(shown), len(value))
        if above and width_of(above) + width + 2 > WIDTH:
            blocks.append(f"{above}\n{below}")
            above = below = ""
        above += "  " + " " * (width - width_of(shown)) + shown
        below += f"  {value:>{width}}"
    return [*blocks, f"{above}\n{below}"]
