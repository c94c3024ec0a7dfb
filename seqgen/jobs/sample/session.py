"""Samples drawn, shown, written and kept. The first of a text goes out while it is sampled, the others at the end."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seqgen.api.selecting import beam_steps, best_steps
from seqgen.files import atomic_write, is_device, write_bytes
from seqgen.generation.blas import one_numpy_thread
from seqgen.generation.loop import Step
from seqgen.jobs.interrupts import Interrupts
from seqgen.jobs.observer import SILENT, Observer
from seqgen.jobs.sample.as_takes import AsTakes
from seqgen.jobs.sample.audience import NOBODY, Audience, Sampled, Sink
from seqgen.jobs.sample.controls import Controls
from seqgen.jobs.sample.copied import Copied
from seqgen.jobs.sample.following import Fed, Stopped, follow
from seqgen.jobs.sample.preparing import Prepared, prepare
from seqgen.jobs.sample.settings import SampleJob
from seqgen.takes.place import kept
from seqgen.takes.recorder import Recorder
from seqgen.takes.replay import inscribed


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


def sample(job: SampleJob, audience: Audience = NOBODY, observer: Observer = SILENT) -> list[Sampled]:
    """Prepare, and sample. The arguments and errors are those of `prepare` and `run`."""
    return run(prepare(job, audience, observer), audience, observer)


def run(
    prepared: Prepared,
    audience: Audience = NOBODY,
    observer: Observer = SILENT,
    controls: Controls | None = None,
) -> list[Sampled]:
    """Sample, write and keep. Ctrl-C ends the sampling; what there is by then is written all the same.

    Args:
        prepared: What is ready to sample.
        audience: Is shown it.
        observer: Is told remarks.
        controls: Steer it, where the job says that it follows.

    Raises:
        KeyboardInterrupt: It was pressed; everything is in its place.
        SeqgenError: A file cannot be written, or a beam finds too little.
    """
    job, live = prepared.job, _is_live(prepared, audience)
    takes = AsTakes(prepared, observer) if kept() and not job.no_take else None
    tracks = [_begun(prepared, takes, index, live) for index in range(job.samples)]
    copied = Copied(prepared.model, job.samples, observer)
    session = _Session(prepared, audience, observer, tracks, takes, copied, live)
    with one_numpy_thread(job.samples * max(job.best_of, job.beam or 1)):
        return session.run(controls)


def _is_live(prepared: Prepared, audience: Audience) -> bool:
    """Whether the first sample goes out as it comes."""
    if prepared.sampler.hole is not None:
        return False  # what stands before the hole is the beginning of the file
    items = not prepared.model.tokenizer.documents.whole
    if items and prepared.paths is not None and not prepared.job.unlimited:
        return False  # they go into one file, whole
    return prepared.model.is_text and (prepared.paths is not None or audience.show == "text")


def _begun(prepared: Prepared, takes: AsTakes | None, index: int, live: bool) -> Track:
    """A sample of which there is only the prompt; its take has it already."""
    recorder = None if takes is None else takes.recorder(index, prepared.labels[index])
    track = Track(recorder, None if prepared.job.unlimited or (live and index == 0) else [])
    if recorder is not None:
        recorder.begin(prepared.sampler.prompts[index].tolist())
    if prepared.job.length == 0:
        track.finished = "length"
    return track


class _Session:
    """A prepared job while it runs.

    Args:
        prepared, audience, observer: As in `run`.
        tracks: The samples.
        takes: Keeps them; None: nobody does.
        copied: Hears them, to compare them with the corpus.
        live: Whether the first goes out as it comes.
    """

    def __init__(
        self,
        prepared: Prepared,
        audience: Audience,
        observer: Observer,
        tracks: list[Track],
        takes: AsTakes | None,
        copied: Copied,
        live: bool,
    ) -> None:
        self.prepared, self.audience, self.observer = prepared, audience, observer
        self.job, self.sampler, self.model = prepared.job, prepared.sampler, prepared.model
        self.tracks, self.takes, self.copied, self.live = tracks, takes, copied, live
        self.sink: Sink | None = None
        self.interrupts = Interrupts()
        self.began = 0.0

    def run(self, controls: Controls | None) -> list[Sampled]:
        """See `run`."""
        interrupted = False
        self.began = time.perf_counter()
        with self._destination() as self.sink:
            try:
                with self.interrupts:
                    self._sample(controls)
            except KeyboardInterrupt:
                interrupted = True
                if not any(track.count for track in self.tracks):
                    raise
            finally:
                self._finish()
            self._write_rest()
        made = [self._sampled(index) for index in range(len(self.tracks))]
        for each in made:
            self.audience.done(each)
        if self.audience.show == "text":
            self._remark()
        if interrupted:
            raise KeyboardInterrupt
        return made

    def _destination(self) -> AbstractContextManager[Any]:
        """Where the first sample goes as it comes; gives None where it cannot."""
        if not self.live:
            return nullcontext(None)
        return self.audience.text() if self.prepared.paths is None else atomic_write(self.prepared.paths[0])

    def _sample(self, controls: Controls | None) -> None:
        self.audience.begun(self.sampler, self.job, self.prepared.labels[0])
        if self.sink is not None and not self.job.no_prompt:
            self.sink.write(self.model.tokenizer.decode(self.sampler.prompts[0]))
        for happened in self._happening(controls):
            match happened:
                case Fed(ids):
                    self._feed(ids)
                case Stopped():
                    self.tracks[0].finished = "stop"
                case step:
                    self._step(step)

    def _happening(self, controls: Controls | None) -> Iterator[Step | Fed | Stopped]:
        """Where the tokens come from."""
        if self.job.beam is not None:
            return beam_steps(self.sampler, self.job.beam)
        if self.job.best_of > 1:
            return best_steps(self.sampler, self.job.best_of)
        if not self.job.follow or controls is None:
            return self.sampler.steps(scores=self.audience.scores)
        return follow(self.prepared, controls, self.audience, self.interrupts)

    def _step(self, step: Step) -> None:
        """A token of each sample that is not finished."""
        self.interrupts.hold()
        for index, token in enumerate(step.ids.tolist()):
            if token >= 0:
                self._take(index, token, step)
        for index, reason in step.finished.items():
            self.tracks[index].finished = reason
            self.tracks[index].seconds = time.perf_counter() - self.began
        self.interrupts.release()

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
        self.audience.token(index, step)

    def _feed(self, ids: list[int]) -> None:
        """Tokens that the first sample was told to go on with, as if it had said them."""
        track = self.tracks[0]
        if track.recorder is not None:
            track.recorder.extend(ids)
        if self.sink is not None:
            self.sink.write(self.model.tokenizer.decode(np.array(ids, np.int64)))
        elif track.kept is not None:
            track.kept.extend(ids)

    def _finish(self) -> None:
        """Stop the clocks and close the takes; one that was stopped before its first token is none."""
        for index, track in enumerate(self.tracks):
            track.seconds = track.seconds or time.perf_counter() - self.began
            if track.recorder is not None and (track.count or track.finished != "interrupted"):
                excess = self.sampler.excess(index)
                track.inscription, track.take = track.recorder.finish(track.finished, excess, track.seconds)
        if self.takes is not None:
            self.takes.close()

    def _write_rest(self) -> None:
        """The samples that have not gone out yet. Items of a list go into one file, with what stands between them."""
        paths, documents = self.prepared.paths, self.model.tokenizer.documents
        left = range(0 if self.sink is None else 1, len(self.tracks))
        if self.sink is not None and (paths is None or is_device(paths[0])):
            for index in left:
                self.sink.write((documents.joint or b"\n\n") + self._data(index))
            if not documents.whole:
                self.sink.write(b"\n")
        elif paths is not None and (is_device(paths[0]) or (not documents.whole and len(set(paths)) == 1)):
            data = (self._data(index) for index in left)
            items = documents.joined(item.strip(b"\r\n") for item in data)
            write_bytes(paths[0], b"".join(data if documents.whole else items))
        else:
            for index in left:
                if paths is not None:
                    write_bytes(paths[index], self._data(index))
                elif self.audience.show == "text":
                    self.audience.data(self._data(index))

    def _data(self, index: int) -> bytes:
        """The artifact of a kept sample, prompt included unless it is not wanted."""
        track, paths = self.tracks[index], self.prepared.paths
        with_prompt, timing = not self.job.no_prompt, self.prepared.timing
        made = self.sampler.data(index, np.array(track.kept, np.int64), with_prompt, timing)
        made = inscribed(self.model.tokenizer, made, track.inscription) if track.inscription else made
        return made if paths is None else self.model.tokenizer.medium.converted(made, paths[index].suffix.lower())

    def _sampled(self, index: int) -> Sampled:
        track, paths, show = self.tracks[index], self.prepared.paths, self.audience.show
        whole = show == "nothing" or (show != "text" and self.model.is_text)
        data = self._data(index) if paths is None and whole and track.kept is not None else None
        return Sampled(
            index,
            self.job.seed,
            track.count,
            track.seconds,
            track.finished,
            track.take,
            None if paths is None else paths[index],
            data,
            self.copied.originality(index) if show in ("records", "events") else None,
        )

    def _remark(self) -> None:
        """What was made, for people."""
        note, tracks = self.observer.note, self.tracks
        total, seconds = sum(track.count for track in tracks), max(track.seconds for track in tracks)
        rate = total / seconds if seconds else 0.0
        takes = [track.take for track in tracks if track.take is not None]
        kept = "" if not takes else f", take {takes[0]}" if len(takes) == 1 else f", {len(takes)} takes"
        note(f"{total:,} tokens in {seconds:.2f} s ({rate:,.0f} tokens/s), seed {self.job.seed}{kept}")
        if any(track.count == 0 and track.finished == "end" for track in tracks):
            note("A document ended before its first token: another seed, or rules that leave more, may go on.")
        for path in dict.fromkeys(self.prepared.paths or ()):
            note(f"Wrote {path}")
        if self.sampler.known is not None:
            note(f"New: {self.sampler.refused:,} that the corpus holds or that were made already were drawn again.")
        if (remark := self.copied.remark()) is not None:
            note(remark)
