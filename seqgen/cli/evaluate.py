"""`seqgen evaluate`: how well a checkpoint predicts a corpus, or how likely it thinks a sentence."""

import json
import math
import unicodedata
from typing import TYPE_CHECKING, Any

import click

from seqgen.cli._options import config_option, json_option, note, progress_hidden
from seqgen.errors import StreamError, UsageError

if TYPE_CHECKING:
    from seqgen.checkpoint import Checkpoint
    from seqgen.evaluation.report import Evaluation

WIDTH = 80


@click.command("evaluate", short_help="Measure how well a checkpoint predicts.")
@click.argument("checkpoint")
@click.argument("source", nargs=-1)
@click.option("--text", help="Judge this text instead of a corpus: how likely is each of its characters?")
@click.option("--label", help="With --text: the label of the document that it begins.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
@json_option
@config_option
def command(
    checkpoint: str, source: tuple[str, ...], text: str | None, label: str | None, device: str, as_json: bool
) -> None:
    """Measure CHECKPOINT on SOURCE: files, folders, globs, a .tokens file, or a corpus by name.

    Files go through the checkpoint's own codec. Without SOURCE, the run's own validation split is taken. Lower is
    better, everywhere; an n-gram model of the run's training documents stands beside as the mark to beat.

    \b
      seqgen evaluate checkpoints/plays another-play.txt
      seqgen evaluate checkpoints/plays --text "To be, or not to be"
    """
    if text is not None and source:
        raise UsageError("both SOURCE and --text were given, expected one of them")
    if text is None and label is not None:
        raise UsageError("--label was given without --text", "a corpus is measured without its labels")
    from seqgen.checkpoint import Checkpoint
    from seqgen.training.device import pick_device

    loaded = Checkpoint.load(checkpoint)
    where = str(pick_device(device))
    if text is not None:
        _judge(loaded, text, label, where, as_json)
        return
    name, found, order = _measure(checkpoint, loaded, source, where)
    if as_json:
        click.echo(json.dumps(found.to_json()))
    else:
        click.echo(f"{checkpoint} on {name}\n" + _table(found, order, loaded.tokenizer.codec_name))


def _measure(
    checkpoint: str, loaded: "Checkpoint", source: tuple[str, ...], device: str
) -> tuple[str, "Evaluation", int]:
    """(what was measured on, the result, the order of the n-gram baseline or 0)."""
    from tqdm import tqdm

    from seqgen.cli import _corpora
    from seqgen.evaluation.report import evaluate

    size = loaded.tokenizer.document_id
    if source:
        corpus = _corpora.opened(source, loaded.tokenizer)
        ngram = _corpora.fitted_baseline(checkpoint, size, corpus)
    else:
        run = _corpora.recorded(checkpoint)
        corpus, ngram = run.held_out(size), run.baseline(size)
    total = 2 * len(corpus.ids)
    try:
        with tqdm(total=total, disable=progress_hidden(), unit=" tokens", unit_scale=True, leave=False) as bar:
            found = evaluate(loaded, corpus.ids, corpus.starts, device, ngram, bar.update)
    except StreamError as error:
        raise StreamError(f"{corpus.name}: {error.message}", error.hint) from error
    return corpus.name, found, 0 if ngram is None else ngram.order


def _table(found: "Evaluation", order: int, codec: str) -> str:
    """The result for people."""
    documents = f" in {found.documents:,} documents" if found.documents > 1 else ""
    lines = [f"{found.tokens:,} predicted tokens of codec {codec}{documents}", ""]
    lines.append(f"  {'':34}{'nats/token':>12}{'bits/token':>12}{'perplexity':>12}")
    rows = [("stateful (protocol B)", found.protocol_b), ("cold windows of 256 (protocol A)", found.protocol_a)]
    if found.ngram is not None:
        rows.append((f"{order}-gram of the training documents", found.ngram))
    for name, nats in rows:
        lines.append(f"  {name:34}{nats:12.4f}{nats / math.log(2):12.4f}{math.exp(min(nats, 700)):12.4g}")
    rates = {key.replace("_", " "): value for key, value in found.to_json().items() if key.startswith("bits_")}
    lines += ["", *(f"  {name:34}{value:12.4f}" for name, value in rates.items() if value is not None)]
    return "\n".join(lines)


def _judge(checkpoint: "Checkpoint", text: str, label: str | None, device: str, as_json: bool) -> None:
    """Print how likely each token of a text is."""
    data = text.encode("utf-8", "surrogateescape")
    if not data:
        raise UsageError("--text is empty, expected at least one character")
    if checkpoint.tokenizer.codec.token_bytes() is None:
        raise UsageError(f"--text is for models of text, this one knows {checkpoint.tokenizer.codec_name}")
    from seqgen.evaluation.report import surprise

    tokens = surprise(checkpoint, data, label, device)
    nats = sum(value for _, value in tokens)
    found: dict[str, Any] = {
        "text": data.decode("utf-8", "replace"),
        "tokens": [{"token": name, "nats": value} for name, value in tokens],
        "nats": nats,
        "nats_per_token": nats / len(tokens),
        "nats_per_character": nats / len(text),
        "bits_per_byte": nats / math.log(2) / len(data),
    }
    if as_json:
        click.echo(json.dumps(found))
        return
    click.echo("\n\n".join(_columns(tokens)))
    rates = f"{found['nats_per_character']:.3f} nats a character, {found['bits_per_byte']:.3f} bits a byte"
    click.echo(f"\n{len(tokens):,} tokens, {nats:.2f} nats: {rates}")
    note("Each token stands over its nats: 0 is certain, 0.7 one in two, 2.3 one in ten, 4.6 one in a hundred.")


def _columns(tokens: list[tuple[str, float]]) -> list[str]:
    """Blocks of two lines, at most WIDTH wide: token names, and under each its nats."""
    blocks, above, below = [], "", ""
    for name, nats in tokens:
        shown, value = name.replace(" ", "␣"), f"{nats:.1f}"
        width = max(_width(shown), len(value))
        if above and _width(above) + width + 2 > WIDTH:
            blocks.append(f"{above}\n{below}")
            above = below = ""
        above += "  " + " " * (width - _width(shown)) + shown
        below += f"  {value:>{width}}"
    return [*blocks, f"{above}\n{below}"]


def _width(text: str) -> int:
    """Columns on a terminal: East Asian wide characters take two, marks that combine none."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)
