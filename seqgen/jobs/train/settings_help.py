"""What `-P help` and `--preset help` show."""

import textwrap

from seqgen import registry, settings
from seqgen.jobs.train.form import AUTO, chosen
from seqgen.jobs.train.kinds import DEFAULT_MODEL, model_kinds
from seqgen.models import ModelSettings, parameters, weight_shapes
from seqgen.training import presets
from seqgen.training.settings import TrainSettings

WIDTH = 80
USUAL_VOCABULARY = 300  # tokens of a text in one of Europe's languages, bytes included


Row = tuple[str, str, str]  # name, default, what it means


def model_settings(model: str | None) -> list[Row]:
    """What -P takes for a model (None: the default one) and its training."""
    return [row for kind in model_kinds(model or DEFAULT_MODEL) for row in settings.document(kind)]


def codec_settings(codec: str | None) -> list[Row]:
    """What -P takes for a codec; None: for any."""
    found = registry.usable("codecs").values() if codec is None else [registry.load("codecs", codec)]
    return [row for kind in found for row in settings.document(kind.Options)]


def settings_help(model: str | None, codec: str | None) -> str:
    """Every setting that -P takes while training, with default and meaning."""
    model = model or DEFAULT_MODEL
    auto = chosen()
    lines = [f"Settings of {model} models and their training; auto: chosen for you."]
    lines += [_row(name, AUTO if name in auto else default, text) for name, default, text in model_settings(model)]
    codecs = registry.usable("codecs") if codec is None else {codec: registry.load("codecs", codec)}
    for codec_name, codec_kind in codecs.items():
        rows = settings.document(codec_kind.Options)
        lines += [f"Settings of codec {codec_name}:", *(_row(*row) for row in rows)] if rows else []
    return "\n".join([*lines, "", preset_help()])


def preset_help() -> str:
    """The presets with their sizes."""
    lines = ["Presets, for --preset NAME; -P overrides their settings:"]
    lines.append(_preset_row(presets.AUTO, "", "", "by corpus, device and budget: the default"))
    for name in presets.names():
        found = presets.load(name)
        cell, shape, train = settings.distribute(found.settings, *model_kinds(found.model))
        made, train_made = settings.parse(ModelSettings, shape), settings.parse(TrainSettings, train)
        kind = model_kinds(found.model)[0]
        count = parameters(weight_shapes(settings.parse(kind, cell), made, USUAL_VOCABULARY))
        shown = f"{found.model} {made.layers}×{made.hidden}, batch {train_made.batch}×{train_made.window}"
        lines.append(_preset_row(name, shown, f"{count / 1e6:.1f} M", found.about))
    return "\n".join(lines)


def _preset_row(name: str, shape: str, count: str, about: str) -> str:
    head = f"  {name:<8}{shape:<26}{count:>7}  "
    return textwrap.fill(head + about, WIDTH, subsequent_indent=" " * len(head))


def _row(name: str, default: str, text: str) -> str:
    head = f"  {name:<17} {default:>8}  "
    return textwrap.fill(head + text, WIDTH, subsequent_indent=" " * len(head))
