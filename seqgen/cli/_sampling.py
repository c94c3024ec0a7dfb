"""One call of `seqgen generate`: from a checkpoint, a prompt and rules to samples, shown and written."""

import json
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seqgen.checkpoint import Checkpoint
from seqgen.cli._options import note
from seqgen.cli._samples import Sink, paths, standard_output
from seqgen.codecs import Ids
from seqgen.errors import CorpusError, UsageError
from seqgen.files import STANDARD, atomic_write, write_bytes
from seqgen.generation import Engine, load
from seqgen.generation.loop import Limits, generate
from seqgen.generation.stopping import StopStrings
from seqgen.rules import Rule, parse
from seqgen.tokenizer import Tokenizer

LENGTH = 1_000
LENGTHS = {".mid": 20_000}  # music ends by itself; this is the cap
UNLIMITED = float("inf")


@dataclass(frozen=True)
class Request:
    """The options of the command, as they were given; `length` None: by medium."""

    prompt: str | None
    prompt_file: str | None
    samples: int
    length: float | None
    temperature: float
    rules: tuple[tuple[str, str], ...]
    output: str | None
    seed: int
    stop: tuple[str, ...]
    label: str | None
    free: bool
    engine: Literal["auto", "numpy", "torch"]
    device: str
    as_json: bool


class Session:
    """A request on its checkpoint. The first sample of a text goes out while it is sampled, the others at the end.

    Args:
        checkpoint: What to sample from.
        request: The options.

    Raises:
        SeqgenError: An option does not fit the checkpoint, or the prompt cannot be read.
    """

    def __init__(self, checkpoint: Checkpoint, request: Request) -> None:
        self.request, self.tokenizer = request, checkpoint.tokenizer
        self.rules = chain(request.temperature, request.rules)
        self.pieces = self.tokenizer.token_bytes()  # None where only whole documents can be decoded
        self.paths = paths(request.output, request.samples, self.tokenizer.codec.artifact)
        self._check()
        self.prompts = prompts(self.tokenizer, request)
        self.stops = self._stops()
        self.engine = _engine(checkpoint, request)
        self.kept: list[list[int]] = [[] for _ in range(request.samples)]  # tokens that have not gone out
        self.counts = [0] * request.samples
        self.reasons = ["length" if request.length == 0 else "interrupted"] * request.samples
        self.seconds = [0.0] * request.samples
        self.began = 0.0

    def run(self) -> None:
        """Sample and write. Ctrl-C ends the sampling; what there is by then is written all the same.

        Raises:
            KeyboardInterrupt: It was pressed; everything is in its place.
        """
        interrupted = False
        self.began = time.perf_counter()
        with self._live() as sink:
            try:
                self._sample(sink)
            except KeyboardInterrupt:
                interrupted = True
                self.seconds = [each or time.perf_counter() - self.began for each in self.seconds]
                if not any(self.counts):
                    raise
            self._write_rest(sink)
        self._report()
        if interrupted:
            raise KeyboardInterrupt

    def _live(self) -> AbstractContextManager[Any]:
        """Where the first sample goes as it comes; gives None where it cannot."""
        if self.pieces is None or (self.paths is None and self.request.as_json):
            return nullcontext(None)
        return standard_output() if self.paths is None else atomic_write(self.paths[0])

    def _sample(self, sink: Sink | None) -> None:
        if sink is not None:
            sink.write(self.tokenizer.decode(self.prompts[0]))
        for step in generate(self.engine, self.prompts, self.rules, seed=self.request.seed, limits=self._limits()):
            for index, token in enumerate(step.ids.tolist()):
                if token >= 0:
                    self.counts[index] += 1
                    self._take(index, token, sink)
            for index, reason in step.finished.items():
                self.reasons[index] = reason
                self.seconds[index] = time.perf_counter() - self.began

    def _take(self, index: int, token: int, sink: Sink | None) -> None:
        if index or sink is None or self.pieces is None:
            self.kept[index].append(token)
            return
        piece = self.pieces[token]
        excess = 0 if self.stops is None else self.stops.excess.get(index, 0)
        sink.write(piece[: len(piece) - excess])

    def _write_rest(self, sink: Sink | None) -> None:
        """The samples that have not gone out yet."""
        for index in range(0 if sink is None else 1, len(self.counts)):
            if self.paths is not None:
                write_bytes(self.paths[index], self.data(index))
            elif sink is not None:
                sink.write(b"\n\n" + self.data(index))
            elif not self.request.as_json:
                write_bytes(STANDARD, self.data(index))

    def data(self, index: int) -> bytes:
        """The artifact of a kept sample, prompt included."""
        ids: NDArray[Any] = np.concatenate([self.prompts[index].astype(np.int64), np.array(self.kept[index], np.int64)])
        made = self.tokenizer.decode(ids)
        excess = 0 if self.stops is None else self.stops.excess.get(index, 0)
        return made[: len(made) - excess]

    def _report(self) -> None:
        """What was made: lines of JSON on stdout, or a remark on stderr."""
        if self.request.as_json:
            sys.stdout.write("".join(json.dumps(self._record(index)) + "\n" for index in range(len(self.counts))))
            sys.stdout.flush()
            return
        total, seconds = sum(self.counts), max(self.seconds)
        note(f"{total:,} tokens in {seconds:.2f} s ({_rate(total, seconds):,.0f} tokens/s), seed {self.request.seed}")
        for path in self.paths or ():
            note(f"Wrote {path}")

    def _record(self, index: int) -> dict[str, Any]:
        record = {
            "sample": index + 1,
            "seed": self.request.seed,
            "tokens": self.counts[index],
            "tokens_per_second": round(_rate(self.counts[index], self.seconds[index]), 1),
            "finished": self.reasons[index],
        }
        if self.paths is not None:
            return {**record, "path": str(self.paths[index])}
        return {**record, "text": self.data(index).decode("utf-8", "replace")}

    def _limits(self) -> Limits:
        wanted = self.request.length
        length = LENGTHS.get(self.tokenizer.codec.artifact, LENGTH) if wanted is None else wanted
        banned = np.arange(self.tokenizer.vocab_size) > self.tokenizer.document_id  # labels stand in prompts only
        return Limits(
            length=None if length == UNLIMITED else int(length),
            end_id=self.tokenizer.document_id,
            stop=self.stops,
            grammar=None if self.request.free else self.tokenizer.grammar(),
            banned=banned if banned.any() else None,
        )

    def _stops(self) -> StopStrings | None:
        stops = [text.encode("utf-8", "surrogateescape") for text in self.request.stop]
        if not stops:
            return None
        if not all(stops):
            raise UsageError("--stop is empty, expected the text to stop after")
        assert self.pieces is not None
        return StopStrings(self.pieces, stops)

    def _check(self) -> None:
        """Whether the options fit the medium."""
        request, suffix = self.request, self.tokenizer.codec.artifact
        if request.prompt is not None and request.prompt_file is not None:
            raise UsageError("both --prompt and --prompt-file were given, expected one of them")
        if request.length == UNLIMITED and (self.pieces is None or request.samples > 1 or request.as_json):
            raise UsageError("--length inf goes with a single sample of text", "give a number of tokens")
        if self.pieces is not None:
            return
        if request.stop:
            raise UsageError(f"--stop is for text, this model makes {suffix} files", "use --length instead")
        if self.paths is None and (sys.stdout.isatty() or request.as_json or request.samples > 1):
            raise UsageError(f"{suffix} files are not for the terminal", f"name a file: -o song{suffix}")


def chain(temperature: float, given: tuple[tuple[str, str], ...]) -> list[Rule]:
    """The rules in order: the temperature first, unless it stands among the given ones."""
    rules = [parse(name, value) for name, value in given]
    first = [] if any(name == "temperature" for name, _ in given) else [parse("temperature", temperature)]
    return first + rules


def prompts(tokenizer: Tokenizer, request: Request) -> list[Ids]:
    """(n,) ids of each sample's beginning: the frame of a document and the prompt, if there is one.

    Raises:
        UsageError: There is no such label.
        DataError: The prompt cannot be read, or holds nothing to go on from.
    """
    name, data = request.prompt_file, (request.prompt or "").encode("utf-8", "surrogateescape")
    if tokenizer.token_bytes() is None and request.prompt:
        name = request.prompt  # music is continued from a file, whichever flag names it
    if name is not None:
        data = _read(name)
    opening = tokenizer.opening(data) if data else tokenizer.frame()[:0]
    if data and not len(opening):
        raise CorpusError(f"{name}: holds no note to go on from", "leave the prompt out to begin a new piece")
    return [np.concatenate([tokenizer.frame(label), opening]) for label in _labels(tokenizer, request)]


def _labels(tokenizer: Tokenizer, request: Request) -> list[str | None]:
    """Each sample's label: the one asked for, or any, since every document that was learned from has one."""
    if request.label is not None or not tokenizer.labels:
        return [request.label] * request.samples
    drawn: list[str | None] = []
    for index in range(request.samples):
        generator = np.random.default_rng([request.seed, index])
        drawn.append(tokenizer.labels[int(generator.integers(len(tokenizer.labels)))])
    note(f"Label {', '.join(sorted({str(label) for label in drawn}))}; --label chooses.")
    return drawn


def _read(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == STANDARD else Path(name).read_bytes()
    except OSError as error:
        raise CorpusError(f"{name}: cannot be read ({error.strerror})", "name a file, or - for stdin") from error


def _engine(checkpoint: Checkpoint, request: Request) -> Engine[Any]:
    """The engine asked for; only torch knows other devices than the CPU."""
    device, name = request.device, request.engine
    if name == "torch" and device == "auto":
        from seqgen.training.device import pick_device

        device = str(pick_device("auto"))
    device = "cpu" if device == "auto" else device
    if name == "numpy" and device != "cpu":
        raise UsageError(f"the numpy engine runs on the cpu, not on {device!r}", "use --engine torch")
    return load(name, checkpoint.cell, checkpoint.settings, checkpoint.weights, device)


def _rate(tokens: int, seconds: float) -> float:
    return tokens / seconds if seconds else 0.0
