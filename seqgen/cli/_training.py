"""The parts of `seqgen train`: from what was asked for to a run, and what is said before and after."""

import dataclasses
import json
import secrets
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from seqgen import registry, settings
from seqgen.checkpoint import make_model
from seqgen.cli._options import note
from seqgen.cli._progress import Watcher
from seqgen.cli._terminal import harmless
from seqgen.errors import CheckpointError, SettingError, UsageError
from seqgen.files import size
from seqgen.generation import load
from seqgen.generation.loop import Limits, collect, generate
from seqgen.models import ModelSettings, parameters, weight_shapes
from seqgen.rules.temperature import Temperature
from seqgen.stream import TokenStream
from seqgen.tokenization.building import separate
from seqgen.tokenization.cache import cached_stream
from seqgen.tokenization.sources import resolve
from seqgen.tokenizer import Tokenizer
from seqgen.training import defaults
from seqgen.training.device import describe, pick_device
from seqgen.training.run import TRAINING_FILE, Plan, Run
from seqgen.training.settings import TrainSettings
from seqgen.training.trainer import Budget

SAMPLE_LENGTH = 160
SAMPLE_TEMPERATURE = 0.7
WIDTH = 80


def prepare(folder: Path, source: tuple[str, ...], resume: bool, options: dict[str, Any]) -> Run:
    """A run that is ready to train, introduced to whoever watches."""
    recalled = _recall(folder) if resume else {}
    given = options["settings"]
    kinds = model_kinds(recalled["plan"]["model"] if recalled else options["model"])
    known = {name for kind in kinds for name in settings.fields(kind)}
    for_codec = {key: value for key, value in given.items() if key not in known}
    for_training = {key: value for key, value in given.items() if key in known}
    stream = open_stream(source or (recalled["stream"],), for_codec, options)
    name = options["held_out"] or recalled.get("held_out")
    held_out = None if name is None else _open_held_out(name, stream, options)
    if recalled:
        plan = _old_plan(recalled["plan"], for_training, options)
    else:
        plan = _plan(stream, kinds, for_training, options)
    watcher = Watcher(None)
    run = Run(folder, stream, held_out, Tokenizer.from_spec(stream.codec_spec), plan, watcher)
    watcher.sample = sampler(run)
    if resume:
        run.resume()
    else:
        run.start()
    introduce(run)
    return run


def model_kinds(model: str) -> tuple[type, type, type]:
    """The settings classes among which -P KEY VALUE finds its place, those of the codec aside."""
    return registry.load("models", model), ModelSettings, TrainSettings


def open_stream(source: tuple[str, ...], for_codec: dict[str, Any], options: dict[str, Any]) -> TokenStream:
    """The token stream that SOURCE is or becomes."""
    if len(source) == 1 and source[0].endswith(".tokens"):
        _refuse_settings(for_codec, "a corpus that is tokenized already")
        given = TokenStream.open(source[0])
        given.verify()
        return given
    own, skip_bad = separate(for_codec)
    stream = cached_stream(
        resolve(source, note), options["codec"], own, workers=options["workers"], encoding=options["encoding"],
        label=options["label"], skip_bad=skip_bad, note=note,
    )  # fmt: skip
    for name, reason in list(stream.report.skipped.items())[:5]:
        note(f"Left out {name}: {reason}")
    return stream


def _open_held_out(name: str, stream: TokenStream, options: dict[str, Any]) -> TokenStream:
    """A token stream to validate on, in the tokens of `stream`."""
    if not name.endswith(".tokens"):
        own = Tokenizer.from_spec(stream.codec_spec)
        return cached_stream(resolve([name], note), tokenizer=own, encoding=options["encoding"], note=note)
    held_out = TokenStream.open(name)
    if held_out.codec_spec != stream.codec_spec:
        raise UsageError(f"{name}: has another codec than the corpus", "name the files: they go through its codec")
    return held_out


def _refuse_settings(values: dict[str, Any], what: str) -> None:
    for key in values:
        raise SettingError(f"no setting of {what} is called {key!r}", "seqgen train -P help true lists them")


def _plan(stream: TokenStream, kinds: tuple[type, type, type], given: dict[str, Any], options: dict[str, Any]) -> Plan:
    """The resolved configuration: what was asked for, and defaults for the rest."""
    device = pick_device(options["device"])
    budget = Budget(options["minutes"], options["epochs"], options["steps"])
    if budget == Budget():
        budget = Budget(minutes=defaults.CPU_MINUTES if device.type == "cpu" else defaults.GPU_MINUTES)
    cell, shape, train = settings.distribute(given, *kinds)
    shape_defaults, train_defaults = defaults.choose(len(stream.ids), device.type, budget.minutes)
    return Plan(
        options["model"],
        settings.parse(kinds[0], cell),
        settings.parse(ModelSettings, shape_defaults | shape),
        settings.parse(TrainSettings, train_defaults | train),
        budget,
        secrets.randbits(31) if options["seed"] is None else options["seed"],
        device,
    )


def _recall(folder: Path) -> dict[str, Any]:
    """What an earlier call wrote down."""
    path = folder / TRAINING_FILE
    try:
        found = json.loads(path.read_bytes())
        return {"stream": found["stream"], "held_out": found["held_out"], "plan": dict(found["plan"])}
    except FileNotFoundError:
        raise CheckpointError(f"{folder}: holds no run to go on with", "leave --resume out to begin one") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: is damaged ({error})", "train anew under another -o") from error


def _old_plan(recorded: dict[str, Any], given: dict[str, Any], options: dict[str, Any]) -> Plan:
    """The configuration of an earlier call; the budget may be a new one, and so may settings that then must agree."""
    kinds = model_kinds(recorded["model"])
    cell, shape, train = settings.distribute(given, *kinds)
    made, model = make_model(recorded["model"], recorded["cell"] | cell, recorded["settings"] | shape)
    budget = Budget(options["minutes"], options["epochs"], options["steps"])
    return Plan(
        recorded["model"],
        made,
        model,
        settings.parse(TrainSettings, recorded["train"] | train),
        Budget(**recorded["budget"]) if budget == Budget() else budget,
        recorded["seed"] if options["seed"] is None else options["seed"],
        pick_device(options["device"] if options["device"] != "auto" else recorded["device"]),
    )


def introduce(run: Run) -> None:
    """One paragraph before training: corpus, model, device, budget, seed."""
    plan, stream, tokenizer = run.plan, run.stream, run.tokenizer
    count = parameters(weight_shapes(plan.cell, plan.shape, tokenizer.vocab_size))
    shape = f"{plan.shape.layers}×{plan.shape.hidden}"
    note(
        f"Corpus: {len(stream.ids):,} tokens in {stream.documents:,} documents, codec {tokenizer.codec_name}, "
        f"vocabulary {tokenizer.vocab_size}; {run.validation_spans.tokens:,} tokens held out."
    )
    note(f"Model: {plan.model} {shape}, {count:,} parameters ({size(4 * count)}); seed {plan.seed}.")
    budget = [f"{value:g} {unit}" for unit, value in dataclasses.asdict(plan.budget).items() if value is not None]
    precision = str(run.trainer.step.precision).removeprefix("torch.")
    note(f"Device: {describe(plan.device)}, {precision}; budget {', '.join(budget)}. Ctrl-C stops and saves.")


def conclude(run: Run) -> None:
    """What was reached, beside the n-gram baseline, and what to do next."""
    note("Measuring the best model…")
    metrics = run.conclude().metrics
    nats, ngram = metrics["nats_per_token"], metrics["ngram_nats"]
    note(
        f"Validation: {nats:.4f} nats per token ({metrics['bits_per_token']:.3f} bits); "
        f"{metrics['ngram_order']}-gram baseline {ngram:.4f} ({100 * (nats / ngram - 1):+.0f} %)."
    )
    note(f"Checkpoint: {run.model_path} ({size(run.model_path.stat().st_size)})")
    note(f"Next: seqgen generate {run.folder}")


def sampler(run: Run) -> Callable[[], str] | None:
    """Short texts from the model as it stands, for those who watch; None where tokens are no text."""
    tokenizer = run.tokenizer
    if tokenizer.token_bytes() is None:
        return None

    def sample() -> str:
        weights = run.checkpoint({}).weights
        engine = load("numpy", run.plan.cell, run.plan.shape, weights)
        opening = [tokenizer.frame(next(iter(tokenizer.labels), None))]
        rules, limits = [Temperature(SAMPLE_TEMPERATURE)], Limits(length=SAMPLE_LENGTH)
        steps = generate(engine, opening, rules, seed=run.plan.seed, limits=limits)
        ids = np.array(collect(steps, 1)[0].ids)
        return harmless(tokenizer.decode(ids).decode("utf-8", "replace"))

    return sample


def wants_help(given: dict[str, str]) -> bool:
    """`-P help true`."""
    return "help" in given


def settings_help(model: str, codec: str | None) -> str:
    """Every setting that -P takes while training, with default and meaning."""
    chosen = {key for device in ("cpu", "cuda") for part in defaults.choose(1_000_000, device, 1.0) for key in part}
    lines = [f"Settings of {model} models and their training; auto: chosen for you."]
    for kind in model_kinds(model):
        for name, default, text in settings.document(kind):
            lines.append(_row(name, "auto" if name in chosen else default, text))
    for codec_name in registry.names("codecs") if codec is None else (codec,):
        rows = settings.document(registry.load("codecs", codec_name).Options)
        lines += [f"Settings of codec {codec_name}:", *(_row(*row) for row in rows)] if rows else []
    return "\n".join(lines)


def _row(name: str, default: str, text: str) -> str:
    head = f"  {name:<15} {default:>8}  "
    return textwrap.fill(head + text, WIDTH, subsequent_indent=" " * len(head))
