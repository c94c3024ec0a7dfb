"""One call of `seqgen generate`: from a checkpoint, a prompt and rules to samples, shown and written."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seqgen.api.model import EngineName, Model, read_prompt
from seqgen.api.sampler import UNLIMITED, Sampler, Sampling
from seqgen.cli._options import note
from seqgen.cli._samples import Sink, paths, standard_output
from seqgen.codecs import Ids
from seqgen.errors import UsageError
from seqgen.files import STANDARD, atomic_write, write_bytes
from seqgen.generation.loop import Step


@dataclass(frozen=True)
class Request:
    """The options of the command, as they were given; `length` None: by medium."""

    prompt: str | None
    prompt_file: str | None
    samples: int
    length: float | None
    temperature: float | str
    rules: tuple[tuple[str, str], ...]
    output: str | None
    seed: int
    stop: tuple[str, ...]
    label: str | None
    free: bool
    engine: EngineName
    device: str
    as_json: bool

    def sampling(self) -> Sampling:
        """What of it concerns the draws."""
        return Sampling(self.seed, self.temperature, self.rules, self.length, self.stop, not self.free)


@dataclass
class Track:
    """One sample while it grows.

    Attributes:
        kept: Tokens that have not gone out.
        count: Tokens sampled.
        finished: Why it ended.
        seconds: How long it took.
    """

    kept: list[int] = field(default_factory=list)
    count: int = 0
    finished: str = "interrupted"
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Tokens a second."""
        return self.count / self.seconds if self.seconds else 0.0


class Session:
    """A request on its model. The first sample of a text goes out while it is sampled, the others at the end.

    Args:
        model: What to sample from.
        request: The options.

    Raises:
        SeqgenError: An option does not fit the model, or the prompt cannot be read.
    """

    def __init__(self, model: Model, request: Request) -> None:
        self.model, self.request = model, request
        self.paths = paths(request.output, request.samples, model.artifact)
        self._check()
        self.sampler: Sampler = model.sampler(request.sampling(), prompts(model, request))
        _ = model.engine  # a device that is not there is told before anything is written
        self.tracks = [Track() for _ in range(request.samples)]
        if request.length == 0:
            for track in self.tracks:
                track.finished = "length"
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
                self._stop_clocks()
                if not any(track.count for track in self.tracks):
                    raise
            self._write_rest(sink)
        self._report()
        if interrupted:
            raise KeyboardInterrupt

    def _live(self) -> AbstractContextManager[Any]:
        """Where the first sample goes as it comes; gives None where it cannot."""
        if self.model.pieces is None or (self.paths is None and self.request.as_json):
            return nullcontext(None)
        return standard_output() if self.paths is None else atomic_write(self.paths[0])

    def _sample(self, sink: Sink | None) -> None:
        if sink is not None:
            sink.write(self.model.tokenizer.decode(self.sampler.prompts[0]))
        for step in self._steps():
            for index, token in enumerate(step.ids.tolist()):
                if token >= 0:
                    self._take(index, token, sink)
            for index, reason in step.finished.items():
                self.tracks[index].finished = reason
                self.tracks[index].seconds = time.perf_counter() - self.began

    def _steps(self) -> Iterator[Step]:
        return self.sampler.steps()

    def _take(self, index: int, token: int, sink: Sink | None) -> None:
        track = self.tracks[index]
        track.count += 1
        if index or sink is None:
            track.kept.append(token)
        else:
            sink.write(self.sampler.piece(index, token))

    def _stop_clocks(self) -> None:
        for track in self.tracks:
            track.seconds = track.seconds or time.perf_counter() - self.began

    def _write_rest(self, sink: Sink | None) -> None:
        """The samples that have not gone out yet."""
        for index in range(0 if sink is None else 1, len(self.tracks)):
            if self.paths is not None:
                write_bytes(self.paths[index], self.data(index))
            elif sink is not None:
                sink.write(b"\n\n" + self.data(index))
            elif not self.request.as_json:
                write_bytes(STANDARD, self.data(index))

    def data(self, index: int) -> bytes:
        """The artifact of a kept sample, prompt included."""
        return self.sampler.data(index, np.array(self.tracks[index].kept, np.int64))

    def _report(self) -> None:
        """What was made: lines of JSON on stdout, or a remark on stderr."""
        if self.request.as_json:
            sys.stdout.write("".join(json.dumps(self._record(index)) + "\n" for index in range(len(self.tracks))))
            sys.stdout.flush()
            return
        total, seconds = sum(track.count for track in self.tracks), max(track.seconds for track in self.tracks)
        rate = total / seconds if seconds else 0.0
        note(f"{total:,} tokens in {seconds:.2f} s ({rate:,.0f} tokens/s), seed {self.request.seed}")
        for path in self.paths or ():
            note(f"Wrote {path}")

    def _record(self, index: int) -> dict[str, Any]:
        track = self.tracks[index]
        record = {
            "sample": index + 1,
            "seed": self.request.seed,
            "tokens": track.count,
            "tokens_per_second": round(track.rate, 1),
            "finished": track.finished,
        }
        if self.paths is not None:
            return {**record, "path": str(self.paths[index])}
        return {**record, "text": self.data(index).decode("utf-8", "replace")}

    def _check(self) -> None:
        """Whether the options fit the medium."""
        request, suffix, text = self.request, self.model.artifact, self.model.pieces is not None
        if request.prompt is not None and request.prompt_file is not None:
            raise UsageError("both --prompt and --prompt-file were given, expected one of them")
        if request.length == UNLIMITED and (not text or request.samples > 1 or request.as_json):
            raise UsageError("--length inf goes with a single sample of text", "give a number of tokens")
        if text or request.stop:  # the sampler refuses --stop for music
            return
        if self.paths is None and (sys.stdout.isatty() or request.as_json or request.samples > 1):
            raise UsageError(f"{suffix} files are not for the terminal", f"name a file: -o song{suffix}")


def prompts(model: Model, request: Request) -> list[Ids]:
    """(n,) ids of each sample's beginning: the frame of a document and the prompt, if there is one.

    Raises:
        UsageError: There is no such label.
        DataError: The prompt cannot be read, or holds nothing to go on from.
    """
    name = request.prompt_file
    if request.prompt and model.pieces is None:
        name = request.prompt  # music is continued from a file, whichever flag names it
    data = model.read(request.prompt) if name is None else read_prompt(name)
    labels = [model.label(request.label, request.seed, index) for index in range(request.samples)]
    if request.label is None and model.tokenizer.labels:
        note(f"Label {', '.join(sorted({str(label) for label in labels}))}; --label chooses.")
    made = {label: model.prompt(data, label, name or "the prompt") for label in dict.fromkeys(labels)}
    return [made[label] for label in labels]
