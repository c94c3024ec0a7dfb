"""The tokens of a session as a take: handed over by the model's thread, written by the main one."""

import contextlib
import queue
from collections.abc import Mapping, Sequence
from typing import Any

from seqgen.api.model import Model
from seqgen.api.usual import effective
from seqgen.jobs.jam.settings import JamJob
from seqgen.jobs.observer import Observer
from seqgen.live.controls import RULE
from seqgen.takes.place import kept
from seqgen.takes.record import Beginning, TakeSettings, TakeSource
from seqgen.takes.recorder import Recorder
from seqgen.takes.store import Takes


class Tape:
    """A take that grows, or nothing where none is wanted."""

    def __init__(self) -> None:
        self._ids: queue.SimpleQueue[Sequence[int]] = queue.SimpleQueue()
        self._recorder: Recorder | None = None
        self._takes: Takes | None = None

    def begin(self, job: JamJob, model: Model, seed: int, values: Mapping[str, Any], observer: Observer) -> None:
        """It is known what plays."""
        if not (job.take and kept()):
            return
        corpus = str(model.checkpoint.provenance.get("corpus", ""))
        source = TakeSource(model.digest, model.name, corpus, model.tokenizer.spec())
        given = [(name.removeprefix(RULE), value) for name, value in values.items() if name.startswith(RULE)]
        settings: TakeSettings = {
            "temperature": values["temperature"],
            "rules": [list(rule) for rule in effective(model, given)],
            "length": "inf",
            "stop": [],
            "label": values["label"],
            "grammar": True,
            "followed": True,
        }
        if model.mixture is not None:
            settings["mixture"] = model.mixture.to_json()
        beginning = Beginning(source, 1, seed, settings, {"engine": job.engine, "device": job.device})
        self._recorder = Recorder(self._open, beginning, observer.note)

    def put(self, ids: Sequence[int]) -> None:
        """More tokens, from the model's thread."""
        self._ids.put(ids)

    def drain(self) -> None:
        """Take over what was put, on the main thread."""
        with contextlib.suppress(queue.Empty):
            while True:
                found = self._ids.get_nowait()
                if self._recorder is not None:
                    self._recorder.extend(found)

    def finish(self, seconds: float) -> str | None:
        """The id of the take; None where there is none."""
        self.drain()
        take = None if self._recorder is None else self._recorder.finish("stop", seconds=seconds)[1]
        if self._takes is not None:
            self._takes.close()
        return take

    def _open(self) -> Takes:
        if self._takes is None:
            self._takes = Takes()
        return self._takes
