"""One call of `seqgen generate`: from a checkpoint, a prompt and rules to samples, shown, written and kept."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from seqgen.api.model import Model
from seqgen.api.primer import with_primer
from seqgen.api.selecting import beam_steps, best_steps
from seqgen.cli._music import in_format_of, tokens_of
from seqgen.cli._options import note
from seqgen.files import STANDARD, atomic_write, is_device, write_bytes
from seqgen.generation.loop import Step
from seqgen.jobs.interrupts import Interrupts
from seqgen.jobs.sample.copied import Copied
from seqgen.jobs.sample.events import Events
from seqgen.jobs.sample.keeping import Keeping
from seqgen.jobs.sample.request import Request, check, labels, primer, prompts
from seqgen.jobs.sample.samples import Sink, paths, standard_output
from seqgen.takes.recorder import Recorder
from seqgen.takes.replay import inscribed

__all__ = ["Request", "Session", "Track"]
LONG_PROMPT = 100_000  # tokens: more than a few seconds' worth, and more than any model remembers


@dataclass
class Track:
    """One sample while it grows.

    Attributes:
        recorder: Keeps it as a take; None: nobody does.
        kept: Tokens that have not gone out, None where they need not be kept.
        count: Tokens sampled.
        finished: Why it ended.
        seconds: How long it took.
        take: The id of its take, None where it is not kept.
        inscription: What its file says about its take, or "".
    """

    recorder: Recorder | None
    kept: list[int] | None = field(default_factory=list)
    count: int = 0
    finished: str = "interrupted"
    seconds: float = 0.0
    take: str | None = None
    inscription: str = ""

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
        check(request, model, self.paths)
        self.labels = labels(model, request)
        data, name = primer(model, request)
        music, timing = with_primer(model, request.music, data, request.free)
        self.request = request = replace(request, music=music, timing=timing)
        if request.max_copy is not None:
            model.indexes(note)
            longest = tokens_of(model, request.max_copy, music)
            self.request = request = replace(request, max_copy=longest)
        self.copied = Copied(model, request.samples)
        self.sampler = model.sampler(request.sampling(), prompts(model, request, self.labels, data, name))
        for remark in self.sampler.remarks:
            note(remark)
        if (longest := max(map(len, self.sampler.prompts))) > LONG_PROMPT:
            note(f"Reading a prompt of {longest:,} tokens first, which takes a while; the end of it would do as well.")
        _ = model.engine  # a device that is not there is told before anything is written
        self.events = Events(sys.stdout.buffer, self.sampler) if request.events else None
        self.keeping = None if request.no_take else Keeping(model, request)
        self.tracks = [self._track(index) for index in range(request.samples)]
        self.sink: Sink | None = None
        self.interrupts = Interrupts()
        self.began = 0.0

    def run(self) -> None:
        """Sample and write. Ctrl-C ends the sampling; what there is by then is written all the same.

        Raises:
            KeyboardInterrupt: It was pressed; everything is in its place.
        """
        interrupted = False
        self.began = time.perf_counter()
        with self._live() as self.sink:
            try:
                with self.interrupts:
                    self._sample()
            except KeyboardInterrupt:
                interrupted = True
                if not any(track.count for track in self.tracks):
                    raise
            finally:
                self._finish()
            self._write_rest()
        self._report()
        if interrupted:
            raise KeyboardInterrupt

    def feed(self, ids: list[int]) -> None:
        """Tokens that the first sample was told to go on with, as if it had said them."""
        track, decode = self.tracks[0], self.model.tokenizer.decode
        if track.recorder is not None:
            track.recorder.extend(ids)
        if self.sink is not None:
            self.sink.write(decode(np.array(ids, np.int64)))
        elif track.kept is not None:
            track.kept.extend(ids)

    def _track(self, index: int) -> Track:
        recorder = None if self.keeping is None else self.keeping.recorder(index, self.labels[index])
        streams = self.request.unlimited or (index == 0 and self._is_live)
        track = Track(recorder, None if streams else [])
        if recorder is not None:
            recorder.begin(self.sampler.prompts[index].tolist())
        if self.request.length == 0:
            track.finished = "length"
        return track

    @property
    def _is_live(self) -> bool:
        """Whether the first sample goes out as it comes."""
        told = self.request.as_json or self.request.events
        return self.model.pieces is not None and not (self.paths is None and told)

    def _live(self) -> AbstractContextManager[Any]:
        """Where the first sample goes as it comes; gives None where it cannot."""
        if not self._is_live:
            return nullcontext(None)
        return standard_output() if self.paths is None else atomic_write(self.paths[0])

    def _sample(self) -> None:
        if self.events is not None:
            self._tell_start(self.events)
        if self.sink is not None and not self.request.no_prompt:
            self.sink.write(self.model.tokenizer.decode(self.sampler.prompts[0]))
        for step in self._steps():
            self.interrupts.hold()
            for index, token in enumerate(step.ids.tolist()):
                if token >= 0:
                    self._take(index, token, step)
            for index, reason in step.finished.items():
                self.tracks[index].finished = reason
                self.tracks[index].seconds = time.perf_counter() - self.began
            self.interrupts.release()

    def _steps(self) -> Iterator[Step]:
        """Where the tokens come from."""
        if self.request.beam is not None:
            return beam_steps(self.sampler, self.request.beam)
        if self.request.best_of > 1:
            return best_steps(self.sampler, self.request.best_of)
        if not self.request.follow:
            return self.sampler.steps(scores=self.request.events)
        from seqgen.jobs.sample.following import follow

        return follow(self)

    def _take(self, index: int, token: int, step: Step) -> None:
        track = self.tracks[index]
        track.count += 1
        self.copied.hear(index, token)
        if track.recorder is not None:
            track.recorder.append(token)
        if track.kept is not None:
            track.kept.append(token)
        elif self.sink is not None:
            self.sink.write(self.sampler.piece(index, token))
        if self.events is not None:
            self.events.token(index, step)

    def _finish(self) -> None:
        """Stop the clocks and close the takes; one that was stopped before its first token is none."""
        for index, track in enumerate(self.tracks):
            track.seconds = track.seconds or time.perf_counter() - self.began
            if track.recorder is not None and (track.count or track.finished != "interrupted"):
                excess = self.sampler.excess(index)
                track.inscription, track.take = track.recorder.finish(track.finished, excess, track.seconds)
        if self.keeping is not None:
            self.keeping.close()

    def _write_rest(self) -> None:
        """The samples that have not gone out yet."""
        left = range(0 if self.sink is None else 1, len(self.tracks))
        into_one = self.paths is None or is_device(self.paths[0])
        if self.paths is not None and into_one and self.sink is None:
            write_bytes(self.paths[0], b"".join(self.data(index) for index in left))
            return
        for index in left:
            if self.paths is not None and not into_one:
                write_bytes(self.paths[index], self.data(index))
            elif self.sink is not None:
                self.sink.write(b"\n\n" + self.data(index))
            elif not (self.request.as_json or self.request.events):
                write_bytes(STANDARD, self.data(index))

    def data(self, index: int) -> bytes:
        """The artifact of a kept sample, prompt included unless it is not wanted."""
        track = self.tracks[index]
        request = self.request
        made = self.sampler.data(index, np.array(track.kept, np.int64), not request.no_prompt, request.timing)
        made = inscribed(self.model.tokenizer, made, track.inscription) if track.inscription else made
        return made if self.paths is None else in_format_of(self.paths[index], made, self.model.artifact)

    def _report(self) -> None:
        """What was made: lines of JSON on stdout, or a remark on stderr."""
        records = [self._record(index) for index in range(len(self.tracks))] if self._told else []
        if self.events is not None:
            for record in records:
                self.events.tell("sample", **record)
        elif self.request.as_json:
            sys.stdout.write("".join(json.dumps(record) + "\n" for record in records))
            sys.stdout.flush()
        else:
            self._remark()

    @property
    def _told(self) -> bool:
        """Whether a program listens, rather than a person."""
        return self.request.as_json or self.request.events

    def _remark(self) -> None:
        total, seconds = sum(track.count for track in self.tracks), max(track.seconds for track in self.tracks)
        rate = total / seconds if seconds else 0.0
        takes = [track.take for track in self.tracks if track.take is not None]
        kept = "" if not takes else f", take {takes[0]}" if len(takes) == 1 else f", {len(takes)} takes"
        note(f"{total:,} tokens in {seconds:.2f} s ({rate:,.0f} tokens/s), seed {self.request.seed}{kept}")
        if any(track.count == 0 and track.finished == "end" for track in self.tracks):
            note("A document ended before its first token: another seed, or rules that leave more, may go on.")
        for path in dict.fromkeys(self.paths or ()):
            note(f"Wrote {path}")
        if (remark := self.copied.remark()) is not None:
            note(remark)

    def _record(self, index: int) -> dict[str, Any]:
        track = self.tracks[index]
        record = {
            "sample": index + 1,
            "seed": self.request.seed,
            "tokens": track.count,
            "tokens_per_second": round(track.rate, 1),
            "finished": track.finished,
            "take": track.take,
            **self.copied.fields(index),
        }
        if self.paths is not None:
            return {**record, "path": str(self.paths[index])}
        whole = self.model.pieces is not None and track.kept is not None
        return {**record, "text": self.data(index).decode("utf-8", "replace") if whole else None}

    def _tell_start(self, events: Events) -> None:
        request, prompt = self.request, self.sampler.prompts[0]
        text = self.model.tokenizer.decode(prompt).decode("utf-8", "replace") if self.model.pieces else None
        events.tell(
            "start",
            seed=request.seed,
            samples=request.samples,
            checkpoint=self.model.digest,
            temperature=request.temperature,
            rules=[list(rule) for rule in request.rules],
            label=self.labels[0],
            prompt=text,
            prompt_tokens=len(prompt),
        )
