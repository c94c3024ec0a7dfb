"""The parts of `seqgen train`: from what was asked for to a run, and from a run to what is said at its end."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from seqgen import registry, settings
from seqgen.cli._observer import Watcher
from seqgen.cli._options import note
from seqgen.errors import CorpusError, SettingError, UsageError
from seqgen.files import size
from seqgen.generation import load
from seqgen.generation.loop import Limits, collect, generate
from seqgen.jobs.train import facts
from seqgen.jobs.train.planning import Parent, model_kinds, model_of, new_plan, old_plan, preset_of, recall
from seqgen.rules.temperature import Temperature
from seqgen.seen import Seen
from seqgen.stream import TokenStream
from seqgen.tokenization.building import SKIP_BAD, grown, separate
from seqgen.tokenization.cache import cached_stream
from seqgen.tokenization.meaning import tokenizer_of
from seqgen.tokenization.sources import resolve
from seqgen.tokenizer import Tokenizer
from seqgen.training import growing, parallel
from seqgen.training.device import pick_device
from seqgen.training.run import Plan, Run

SAMPLE_LENGTH = 160
SAMPLE_TEMPERATURE = 0.7


def prepare(folder: Path, source: tuple[str, ...], resume: bool, options: dict[str, Any]) -> Run:
    """A run that is ready to train, introduced to whoever watches."""
    if resume and options.get("parent"):
        raise UsageError("both --resume and --from were given", "--from begins a run, --resume goes on with one")
    recalled = recall(folder) if resume else {}
    parent = Parent.load(options["parent"]) if options.get("parent") else None
    pick_device(options["device"])
    preset_of(options)
    for_codec, for_training = _shares(options["settings"], recalled, options, parent)
    ranks = parallel.current()
    with ranks.in_turn():
        stream = open_stream(source or (recalled["stream"],), for_codec, options, parent)
        name = options["held_out"] or recalled.get("held_out")
        held_out = None if name is None else _open_held_out(name, stream, options)
    tokenizer = tokenizer_of(stream)
    if recalled:
        plan = old_plan(recalled["plan"], for_training, options)
    else:
        plan = new_plan(stream, for_training, options, parent)
    watcher = Watcher(None)
    initial, inherited = (None, None) if parent is None else _grown(parent, tokenizer, stream, plan)
    run = Run(folder, stream, held_out, tokenizer, plan, watcher, initial, inherited)
    watcher.sample, watcher.samples = sampler(run), folder / facts.SAMPLES_FILE
    if resume:
        if remark := run.resume():
            note(f"{remark}. The run goes on.")
        ranks.lead(lambda: watcher.drop_after(run.trainer.progress.total_steps))
    else:
        run.start()
    facts.introduce(run)
    return run


def _shares(
    given: dict[str, Any], recalled: dict[str, Any], options: dict[str, Any], parent: Parent | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(the codec's, the training's) share of what was given with -P.

    Raises:
        SettingError: Neither training nor any codec knows a key.
    """
    kinds = model_kinds(recalled["plan"]["model"] if recalled else model_of(options, parent))
    for old, new in settings.former_names(*kinds).items():
        if old in given:
            note(f"The setting {old} is called {new} now.")
    given = settings.renamed(given, *kinds)
    known = {name for kind in kinds for name in settings.fields(kind)}
    for_codec = {key: value for key, value in given.items() if key not in known}
    if for_codec:
        codecs = [registry.load("codecs", name).Options for name in registry.names("codecs")]
        known_to_codecs = {SKIP_BAD, *(name for kind in codecs for name in settings.fields(kind))}
        for key in for_codec:
            if key not in known_to_codecs:
                _refuse_other_cells(key)
                close = registry.closest(key, sorted(known | known_to_codecs))
                raise SettingError(f"no setting is called {key!r}", f"{close}seqgen train -P help lists them")
    return for_codec, {key: value for key, value in given.items() if key in known}


def _refuse_other_cells(key: str) -> None:
    """Raise SettingError if it is a setting of another cell than the run's."""
    for name in registry.names("models"):
        if key in settings.fields(registry.load("models", name)):
            raise SettingError(f"{key} is a setting of {name} models alone", f"leave it out, or add -m {name}")


def open_stream(
    source: tuple[str, ...], for_codec: dict[str, Any], options: dict[str, Any], parent: Parent | None = None
) -> TokenStream:
    """The token stream that SOURCE is or becomes; in the tokens of a checkpoint where a run goes on from one."""
    if len(source) == 1 and source[0].endswith(".tokens"):
        _refuse_settings(for_codec, "the corpus is tokenized already")
        given = TokenStream.load(source[0])
        if not len(given.ids):
            raise CorpusError(f"{source[0]}: holds no tokens, expected at least 2")
        if parent is not None:
            _check_codec(parent, given.codec_spec["name"], f"{source[0]} has")
        return given
    if parent is not None:
        return _in_tokens_of(parent, source, for_codec, options)
    own, skip_bad = separate(for_codec)
    stream = cached_stream(
        resolve(source, note, options["follow_links"]), options["codec"], own, workers=options["workers"],
        encoding=options["encoding"], label=options["label"], skip_bad=skip_bad, note=note,
    )  # fmt: skip
    _tell_skipped(stream)
    return stream


def _in_tokens_of(
    parent: Parent, source: tuple[str, ...], for_codec: dict[str, Any], options: dict[str, Any]
) -> TokenStream:
    """SOURCE through the codec of a checkpoint, which gains tokens where the corpus holds something new."""
    own, skip_bad = separate(for_codec)
    _refuse_settings(own, f"that of the checkpoint {parent.name} is kept")
    if options["codec"] is not None:
        _check_codec(parent, options["codec"], "--codec is")
    sources = resolve(source, note, options["follow_links"])
    how = {"encoding": options["encoding"], "label": options["label"]}
    tokenizer = grown(sources, parent.checkpoint.tokenizer, **how, skip_bad=skip_bad)
    workers = options["workers"]
    stream = cached_stream(sources, tokenizer=tokenizer, **how, workers=workers, skip_bad=skip_bad, note=note)
    _tell_skipped(stream)
    return stream


def _tell_skipped(stream: TokenStream) -> None:
    for name, reason in list(stream.report.skipped.items())[:5]:
        note(f"Left out {name}: {reason}")


def _check_codec(parent: Parent, codec: str, what: str) -> None:
    own = parent.checkpoint.tokenizer.codec_name
    if codec != own:
        raise UsageError(
            f"{what} {codec!r}, but the checkpoint {parent.name} has codec {own!r}",
            "a model goes on in its own codec: leave --codec out, or begin a run without --from",
        )


def _grown(parent: Parent, tokenizer: Tokenizer, stream: TokenStream, plan: Plan) -> tuple[dict[str, Any], Seen | None]:
    """The checkpoint's weights with rows for what the corpus holds anew, and what its training saw."""
    known, vocabulary = parent.checkpoint.tokenizer.vocabulary(), tokenizer.vocabulary()
    place = growing.places(known, vocabulary)
    counts = growing.count_tokens(stream.ids, tokenizer.vocab_size)
    new = sorted(set(range(len(vocabulary))) - set(place.tolist()))
    names = [vocabulary[index] for index in new]
    shown = "no new tokens" if not new else f"{len(new)} new tokens ({' '.join(names[:8])}{' …' * (len(new) > 8)})"
    note(f"Going on from {parent.name} ({parent.sha256[:12]}): {shown}.")
    seen = parent.checkpoint.seen
    moved = None if seen is None else seen.moved(place, tokenizer.vocab_size)
    return growing.grow(parent.checkpoint.weights, place, counts, plan.seed), moved


def _open_held_out(name: str, stream: TokenStream, options: dict[str, Any]) -> TokenStream:
    """A token stream to validate on, in the tokens of `stream`."""
    if not name.endswith(".tokens"):
        own = tokenizer_of(stream)
        sources = resolve([name], note, options["follow_links"])
        return cached_stream(sources, tokenizer=own, encoding=options["encoding"], note=note)
    held_out = TokenStream.load(name)
    if (held_out.codec_spec, held_out.vocab_size) != (stream.codec_spec, stream.vocab_size):
        raise UsageError(f"{name}: has another codec than the corpus", "name the files: they go through its codec")
    return held_out


def _refuse_settings(values: dict[str, Any], why: str) -> None:
    for key, value in values.items():
        raise SettingError(f"{key} is {value}, but it is a setting of the codec, and {why}", "leave it out")


def conclude(run: Run) -> None:
    """What was reached, beside the n-gram baseline, and what to do next."""
    note("Measuring the best model…")
    metrics = run.conclude().metrics
    nats, ngram = metrics["nats_per_token"], metrics["ngram_nats"]
    note(
        f"Validation: {nats:.4f} nats per token ({metrics['bits_per_token']:.3f} bits); "
        f"{metrics['ngram_order']}-gram baseline {ngram:.4f} ({100 * (nats / ngram - 1):+.0f} %)."
    )
    facts.conclude(run, metrics)
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
        unseen = None if run.seen is None else run.seen.counts == 0
        rules, limits = [Temperature(SAMPLE_TEMPERATURE)], Limits(length=SAMPLE_LENGTH, unseen=unseen)
        steps = generate(engine, opening, rules, seed=run.plan.seed, limits=limits)
        ids = np.array(collect(steps, 1)[0].ids)
        return tokenizer.decode(ids).decode("utf-8", "replace")

    return sample
