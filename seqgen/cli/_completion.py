"""What a shell offers while a command is typed: checkpoints, corpora and settings by name, beside files.

Each function is the `shell_complete` of a parameter (click's documentation, "Shell Completion"). Of codecs, cells and
rules `_variants` knows; README.md tells how completion is switched on.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

import click
from click.shell_completion import CompletionItem

Items: TypeAlias = list[CompletionItem]
RUNS = "checkpoints"  # the folder in which runs land where nothing else is said


def _named(offered: Iterable[str], begun: str) -> Items:
    return [CompletionItem(name) for name in sorted(set(offered)) if name.startswith(begun)]


def checkpoints(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """The published models, the runs in ./checkpoints, and files."""
    from seqgen.checkpoint import MODEL_FILE, published

    runs = [file.parent.as_posix() for file in Path(RUNS).glob(f"*/{MODEL_FILE}")]
    return [*_named([*published(), *runs], incomplete), CompletionItem(incomplete, type="file")]


def sources(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """The corpora of the catalogue, and files."""
    from seqgen import catalogue

    return [*_named(catalogue.names(), incomplete), CompletionItem(incomplete, type="file")]


def both(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Checkpoints, corpora and files, where either may stand."""
    found = checkpoints(ctx, param, incomplete)[:-1] + sources(ctx, param, incomplete)
    return list({(item.type, item.value): item for item in found}.values())


def corpora(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """The corpora of the catalogue alone."""
    return sources(ctx, param, incomplete)[:-1]


def settings(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """What `-P` takes: settings of the codecs, and where a model is trained those of the model and of training."""
    from seqgen.jobs.train.settings_help import codec_settings, model_settings

    trains = any(each.name == "model" for each in ctx.command.params)
    found = [*codec_settings(ctx.params.get("codec")), *(model_settings(ctx.params.get("model")) if trains else ())]
    return _named((name for name, _, _ in found), incomplete)
