"""What steering costs while sampling, and what the command line costs around it: parts of `generate.py`.

The guard reads an index of what the very model has said at the same low temperature, so that it has much to refuse.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from seqgen import rules
from seqgen.api.over_text import grammar_of
from seqgen.cells.lstm import LSTM
from seqgen.checkpoint import Checkpoint
from seqgen.codecs.char import Char, CharOptions
from seqgen.codecs.midi import Midi, MidiOptions
from seqgen.generation import Engine
from seqgen.generation.engines.numpy import NumpyEngine
from seqgen.generation.loop import Limits, collect, generate
from seqgen.models import ModelSettings
from seqgen.originality.copying import MaxCopy
from seqgen.originality.index import Corpus, Index, build
from seqgen.tokenizer import Tokenizer

Weights = Callable[[ModelSettings, int], dict[str, Any]]
LONGEST = (6, 8, 12, 20)
COOL = [rules.parse("temperature", 0.3)]


def timed(engine: Engine[Any], limits: Limits, chain: Sequence[rules.Rule], tokens: int, seed: int = 2) -> float:
    """Seconds a token of one stream."""
    steps = generate(engine, [np.array([1])], chain, seed=seed, limits=limits)
    next(steps)
    begin = time.perf_counter()
    for _ in islice(steps, tokens):
        pass
    return (time.perf_counter() - begin) / tokens


def percent(engine: Engine[Any], cases: dict[str, Limits], free: Limits, tokens: int, rounds: int) -> dict[str, float]:
    """How much slower each case is than a free run, in percent: the median over rounds, in which all take turns."""
    found: dict[str, list[float]] = {name: [] for name in cases}
    for seed in range(rounds + 1):
        alone = timed(engine, free, COOL, tokens, seed)
        for name, limits in cases.items():
            found[name].append(100 * (timed(engine, limits, COOL, tokens, seed) / alone - 1))
    return {name: statistics.median(each[1:]) for name, each in found.items()}  # the first round fills their caches


def costs(settings: ModelSettings, weights: Weights, tokens: int, rounds: int) -> dict[str, float]:
    """Percent of time that `--max-copy` and the grammars of C and of music add."""
    text, music = _tokenizers()
    engine = NumpyEngine(LSTM(), settings, weights(settings, text.vocab_size))
    end = Limits(end_id=text.document_id)
    with tempfile.TemporaryDirectory() as folder:
        index = _index(engine, text, Path(folder) / "index", 10 * tokens)
        cases = {f"--max-copy {n}": Limits(end_id=end.end_id, guard=MaxCopy(index, n)) for n in LONGEST}
        cases["grammar of C"] = Limits(end_id=end.end_id, grammar=text.framed(grammar_of(text.codec, "c")))
        found = percent(engine, cases, end, tokens, rounds)
    engine = NumpyEngine(LSTM(), settings, weights(settings, music.vocab_size))
    banned = np.arange(music.vocab_size) >= music.document_id  # an end would cut a round short
    return found | percent(
        engine,
        {"grammar of music": Limits(banned=banned, grammar=music.grammar())},
        Limits(banned=banned),
        tokens,
        rounds,
    )


def _tokenizers() -> tuple[Tokenizer, Tokenizer]:
    return Tokenizer(Char.fit([b""], CharOptions()), "char"), Tokenizer(Midi.fit([], MidiOptions()), "midi")


def _index(engine: Engine[Any], tokenizer: Tokenizer, path: Path, tokens: int) -> Index:
    """An index of what the model says."""
    limits = Limits(length=max(1, tokens // 64), end_id=tokenizer.document_id)
    said = collect(generate(engine, [np.array([1])] * 64, COOL, seed=1, limits=limits), 64)
    ids = np.concatenate([[tokenizer.document_id, *sample.ids] for sample in said]).astype(np.uint16)
    ends = np.array([0, len(ids)])
    build(Corpus(ids, ends, ends[:1], ends[1:], tokenizer.document_id, tokenizer.vocab_size), path)
    return Index(path)


def command_line(settings: ModelSettings, weights: Weights, tokens: int, repeats: int) -> dict[str, float]:
    """Wall seconds of `seqgen generate -l 100` and of importing numpy alone; tokens a second of long samples.

    Raises:
        RuntimeError: Sampling on a CPU has imported torch.
    """
    tokenizer, _ = _tokenizers()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        Checkpoint("lstm", LSTM(), settings, tokenizer, weights(settings, tokenizer.vocab_size)).save(path)
        environment = {**os.environ, "SEQGEN_TAKES": str(Path(folder) / "takes.sqlite")}

        def run(length: int, *more: str, python: Sequence[str] = ("-m", "seqgen")) -> float:
            arguments = ["generate", str(path), "-l", str(length), "--seed", "1", *more]
            command = [sys.executable, *python, *arguments]
            begin = time.perf_counter()
            ran = subprocess.run(command, check=True, capture_output=True, env=environment)
            if b"torch" in [line.split(b"|")[-1].strip() for line in ran.stderr.splitlines()]:
                raise RuntimeError("seqgen generate has imported torch")
            return time.perf_counter() - begin

        run(100, python=("-X", "importtime", "-m", "seqgen"))  # tells on stderr what it imports
        found = {"seqgen generate -l 100, seconds": _median(lambda: run(100), repeats)}
        found["the same with --no-take, seconds"] = _median(lambda: run(100, "--no-take"), repeats)
        found["import numpy, seconds"] = _median(
            lambda: _wall([sys.executable, "-P", "-c", "import numpy"], environment), repeats
        )
        for name, more in (("with its take", ()), ("--no-take", ("--no-take",))):
            seconds = _median(lambda more=more: run(tokens, *more) - run(100, *more), max(1, repeats // 2))  # type: ignore[misc]
            found[f"long sample, {name}, tokens/s"] = (tokens - 100) / seconds
    return found


def _median(work: Callable[[], float], repeats: int) -> float:
    return statistics.median(work() for _ in range(repeats))


def _wall(command: Sequence[str], environment: dict[str, str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return time.perf_counter() - begin
