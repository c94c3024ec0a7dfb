"""Jobs as Python calls them: `seqgen.train`, `seqgen.evaluate`, `seqgen.tokenize`. Silent, unless an observer is given.

import seqgen

seqgen.tokenize("plays/", "plays.tokens")
model = seqgen.train("plays.tokens", "checkpoints/plays", minutes=5)
print(model.sample("ROMEO:", seed=7).text)
print(seqgen.evaluate("checkpoints/plays", "another-play.txt").nats_per_token)
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, Unpack

from seqgen.arguments import checked, made
from seqgen.errors import UsageError
from seqgen.evaluation import Average
from seqgen.jobs.observer import SILENT, Observer

if TYPE_CHECKING:
    from seqgen.api.model import Model
    from seqgen.evaluation.dynamic import DynamicSettings
    from seqgen.jobs.evaluate.job import Evaluated
    from seqgen.stream import TokenStream

Place: TypeAlias = str | Path
Places: TypeAlias = Place | Sequence[Place]


class WhatOfFolders(TypedDict, total=False):
    """What of folders is read, by keyword; see `seqgen.jobs.folders.InFolders`."""

    follow_links: bool
    everything: bool
    include: Sequence[str]
    exclude: Sequence[str]


class HowToRead(WhatOfFolders, total=False):
    """How files become tokens, by keyword; see `seqgen.jobs.folders.InTokens`."""

    codec: str | None
    settings: Mapping[str, Any]
    workers: int
    encoding: str | None
    label: str | None
    documents: str | None
    field: str | None
    label_field: str | None


class HowToTokenize(HowToRead, total=False):
    """By keyword; see `seqgen.jobs.tokenize.TokenizeJob`."""

    shard: str | None
    engine: Literal["local", "dask"]
    scheduler: str | None


class HowToTrain(HowToRead, total=False):
    """By keyword; see `seqgen.jobs.train.settings.TrainJob`."""

    model: str | None
    preset: str
    parent: str | None
    minutes: float | None
    epochs: float | None
    steps: int | None
    held_out: str | None
    seed: int | None
    device: str
    resume: bool
    inside: bool


class HowToEvaluate(WhatOfFolders, total=False):
    """By keyword.

    Keys:
        average: What an ensemble averages.
        dynamic: How to go on learning while measuring; None: not at all.
        device: auto, cpu, cuda or mps.
    """

    average: Average
    dynamic: "DynamicSettings | None"
    device: str


@checked
def tokenize(
    source: Places, output: Place, *, observer: Observer = SILENT, **how: Unpack[HowToTokenize]
) -> "TokenStream":
    """Turn files into a stream of token ids.

        stream = seqgen.tokenize("plays/", "plays.tokens", codec="char")
        print(len(stream.ids), stream.vocab_size, stream.report.skipped)

    Args:
        source: Files, folders, globs or a corpus by name.
        output: The `.tokens` file to write; one that is there is replaced.
        observer: Is told how it goes.
        how: See `HowToTokenize`.

    Raises:
        SettingError: A setting is unknown or out of range.
        DataError: A file cannot be read, or nothing is left to write.
        OutputError: The output cannot be written.
    """
    from seqgen.jobs.tokenize import TokenizeJob
    from seqgen.jobs.tokenize import tokenize as work

    return work(made(TokenizeJob, _names(source), Path(output), **how), observer)


@checked
def train(source: Places, output: Place, *, observer: Observer = SILENT, **how: Unpack[HowToTrain]) -> "Model":
    """Train a model on a corpus; the run folder holds everything with which it can go on.

        model = seqgen.train("plays/", "checkpoints/plays", minutes=5, settings={"hidden": 256}, seed=1)
        print(model.checkpoint.metrics["nats_per_token"])
        model = seqgen.train((), "checkpoints/plays", resume=True, minutes=10)

    Args:
        source: Files, folders, globs, a `.tokens` file or a corpus by name; to go on with a run: nothing.
        output: The run folder.
        observer: Is told how it goes.
        how: See `HowToTrain`. Of minutes, epochs and steps whichever comes first ends the run; a few minutes where
            none is given. `settings` are those of codec, cell, model and training, as -P takes them.

    Returns:
        The best model by validation, ready to sample.

    Raises:
        UsageError, SettingError: What was asked for does not fit together.
        DataError: A file cannot be read, or there is too little to train on.
        OutputError: The run folder cannot be written.
        KeyboardInterrupt: Ctrl-C was pressed; the run is saved and can go on with `resume=True`.
    """
    from seqgen.api.model import load
    from seqgen.jobs.train.job import train as work
    from seqgen.jobs.train.settings import TrainJob

    names = _names(source)
    if not names and not how.get("resume"):
        raise UsageError("no source was given", "name a file, a folder or a corpus")
    if work(made(TrainJob, names, Path(output), **how), observer).stopped:
        raise KeyboardInterrupt
    return load(output)


@checked
def evaluate(
    checkpoint: Places, source: Places = (), *, observer: Observer = SILENT, **how: Unpack[HowToEvaluate]
) -> "Evaluated":
    """Measure how well a checkpoint predicts a corpus; lower is better.

        found = seqgen.evaluate("checkpoints/plays", "another-play.txt")
        print(found.nats_per_token, found.to_json()["bits_per_byte"])

    Args:
        checkpoint: A run folder, a file or a published name; several are measured each, and as an ensemble.
        source: Files, folders, globs, a `.tokens` file or a corpus by name; none: the run's own validation split.
        observer: Is told how it goes.
        how: See `HowToEvaluate`.

    Raises:
        UsageError, SettingError: What was asked for does not fit together.
        CheckpointError: There is no such checkpoint, it is damaged, or several have other tokens.
        DataError: A file cannot be read, or holds nothing to predict.
    """
    from seqgen.jobs.evaluate.job import evaluate as work
    from seqgen.jobs.evaluate.settings import EvaluateJob

    return work(made(EvaluateJob, _names(checkpoint), _names(source), **how), observer)


def _names(places: Places) -> tuple[str, ...]:
    """One place or several, as the command line would have them."""
    if isinstance(places, str | Path):
        return (str(places),)
    return tuple(map(str, places))
