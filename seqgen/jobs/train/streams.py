"""The streams of a run: what SOURCE is or becomes, in the tokens of a checkpoint where the run goes on from one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from seqgen import registry, settings
from seqgen.errors import CorpusError, SettingError, UsageError
from seqgen.jobs.observer import Observer
from seqgen.jobs.train.kinds import model_kinds
from seqgen.jobs.train.planning import Parent
from seqgen.jobs.train.settings import TrainJob
from seqgen.settings import Values
from seqgen.stream import TokenStream
from seqgen.tokenization.cache import cached_stream
from seqgen.tokenization.fitting import grown
from seqgen.tokenization.meaning import tokenizer_of
from seqgen.tokenization.settings import SKIP_BAD, TokenizeSettings, separate
from seqgen.tokenization.sources import is_stream, resolve
from seqgen.tokenization.telling import strange

LEFT_OUT = 5  # files left out that are named


def shares(job: TrainJob, model: str, observer: Observer) -> tuple[Values, Values]:
    """(the codec's, the training's) share of the job's settings.

    Args:
        job: What was asked for.
        model: The name of the run's cell.
        observer: Is told of names that settings no longer have.

    Raises:
        SettingError: Neither training nor any codec knows a key, or a value of training's makes no sense.
    """
    kinds = model_kinds(model)
    for old, new in settings.former_names(*kinds).items():
        if old in job.settings:
            observer.note(f"The setting {old} is called {new} now.")
    given = settings.renamed(job.settings, *kinds)
    known = {name for kind in kinds for name in settings.fields(kind)}
    for_codec = {key: value for key, value in given.items() if key not in known}
    if for_codec:
        codecs = [kind.Options for kind in registry.usable("codecs").values()]
        known_to_codecs = {SKIP_BAD, *(name for kind in codecs for name in settings.fields(kind))}
        for key in for_codec:
            if key not in known_to_codecs:
                _refuse_other_cells(key)
                close = registry.closest(key, sorted(known | known_to_codecs))
                raise SettingError(f"no setting is called {key!r}", f"{close}seqgen train -P help lists them")
    for_training = {key: value for key, value in given.items() if key in known}
    for kind, share in zip(kinds, settings.distribute(for_training, *kinds)):
        settings.parse(kind, share)  # before defaults are chosen by them
    return for_codec, for_training


def open_stream(
    job: TrainJob, source: Sequence[str], for_codec: Mapping[str, Any], parent: Parent | None, observer: Observer
) -> TokenStream:
    """The token stream that SOURCE is or becomes.

    Args:
        job: How files are read.
        source: The job's, or that of the run which goes on.
        for_codec: Settings of the codec.
        parent: The checkpoint whose tokens the stream is to have.
        observer: Is told what is left out.

    Raises:
        SeqgenError: It cannot be found or read, or has another codec.
    """
    if is_stream(source):
        _refuse_settings(for_codec, "the corpus is tokenized already")
        if job.cut is not None:
            asked = f"--documents is {job.documents!r}" if job.field is None else f"--field is {job.field!r}"
            said = f"{asked}, but the corpus is tokenized already"
            raise UsageError(said, "give it to seqgen tokenize, or name the files")
        given = TokenStream.load(source[0])
        if not len(given.ids):
            raise CorpusError(f"{source[0]}: holds no tokens, expected at least 2")
        if parent is not None:
            _check_codec(parent, given.codec_spec["name"], f"{source[0]} has")
        return given
    if parent is None:
        sources = resolve(source, observer.note, job.choice)
        stream = cached_stream(sources, job.tokenizing(for_codec), observer.note)
    else:
        stream = _in_tokens_of(job, source, for_codec, parent, observer)
    for line in strange(stream.report):
        observer.note(line)
    for name, reason in list(stream.report.skipped.items())[:LEFT_OUT]:
        observer.note(f"Left out {name}: {reason}")
    return stream


def open_held_out(job: TrainJob, name: str, stream: TokenStream, observer: Observer) -> TokenStream:
    """A token stream to validate on, in the tokens of `stream`.

    Raises:
        SeqgenError: It cannot be found or read, or has another codec.
    """
    if not is_stream([name]):
        own = tokenizer_of(stream)
        sources = resolve([name], observer.note, job.choice)
        return cached_stream(sources, TokenizeSettings(tokenizer=own, encoding=job.encoding), observer.note)
    held_out = TokenStream.load(name)
    if (held_out.codec_spec, held_out.vocab_size) != (stream.codec_spec, stream.vocab_size):
        raise UsageError(f"{name}: has another codec than the corpus", "name the files: they go through its codec")
    return held_out


def _in_tokens_of(
    job: TrainJob, source: Sequence[str], for_codec: Mapping[str, Any], parent: Parent, observer: Observer
) -> TokenStream:
    """SOURCE through the codec of a checkpoint, which gains tokens where the corpus holds something new."""
    own, _ = separate(for_codec)
    _refuse_settings(own, f"that of the checkpoint {parent.name} is kept")
    if job.codec is not None:
        _check_codec(parent, job.codec, "--codec is")
    sources = resolve(source, observer.note, job.choice)
    tokenizer = grown(sources, parent.checkpoint.tokenizer, job.tokenizing(for_codec))
    asked = replace(job.tokenizing(for_codec, tokenizer), documents=None)  # which the grown one knows
    return cached_stream(sources, asked, observer.note)


def _check_codec(parent: Parent, codec: str, what: str) -> None:
    own = parent.checkpoint.tokenizer.codec_name
    if codec != own:
        raise UsageError(
            f"{what} {codec!r}, but the checkpoint {parent.name} has codec {own!r}",
            "a model goes on in its own codec: leave --codec out, or begin a run without --from",
        )


def _refuse_other_cells(key: str) -> None:
    """Raise SettingError if it is a setting of another cell than the run's."""
    for name, kind in registry.usable("cells").items():
        if key in settings.fields(kind):
            raise SettingError(f"{key} is a setting of {name} models alone", f"leave it out, or add -m {name}")


def _refuse_settings(values: Mapping[str, Any], why: str) -> None:
    for key, value in values.items():
        raise SettingError(f"{key} is {value}, but it is a setting of the codec, and {why}", "leave it out")
