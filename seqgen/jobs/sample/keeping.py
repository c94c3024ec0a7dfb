"""The takes of one call of `seqgen generate`: opened when the first of them is written, closed at the end."""

from dataclasses import asdict
from typing import Any

from seqgen.api.model import Model
from seqgen.api.music import Music
from seqgen.api.sampler import UNLIMITED
from seqgen.cli._options import note
from seqgen.jobs.sample.request import Request
from seqgen.takes.record import Beginning, Source
from seqgen.takes.recorder import Recorder
from seqgen.takes.store import Takes


def _given(music: Music) -> dict[str, Any]:
    """What was asked of music, as plain data."""
    return {key: value for key, value in asdict(music).items() if value is not None}


class Keeping:
    """Recorders for samples.

    Args:
        model: What they are sampled from.
        request: How.
    """

    def __init__(self, model: Model, request: Request) -> None:
        self.model, self.request = model, request
        self._takes: Takes | None = None
        self._complaints: set[str] = set()
        provenance, tokenizer = model.checkpoint.provenance, model.tokenizer
        self._source = Source(model.digest, model.name, str(provenance.get("corpus", "")), tokenizer.spec())

    def recorder(self, index: int, label: str | None) -> Recorder:
        """What keeps the sample `index`."""
        request = self.request
        circumstances = {"engine": request.engine, "device": request.device, "prompt_file": request.prompt_file}
        beginning = Beginning(self._source, index + 1, request.seed, self._settings(label), circumstances)
        return Recorder(self._open, beginning, self._complain)

    def close(self) -> None:
        """No more is to come."""
        if self._takes is not None:
            self._takes.close()
            self._takes = None

    def _open(self) -> Takes:
        if self._takes is None:
            self._takes = Takes()
        return self._takes

    def _complain(self, message: str) -> None:
        if message not in self._complaints:
            self._complaints.add(message)
            note(message)

    def _settings(self, label: str | None) -> dict[str, Any]:
        request, mixture = self.request, self.model.mixture
        settings: dict[str, Any] = {
            "temperature": request.temperature,
            "rules": [list(rule) for rule in request.rules],
            "length": "inf" if request.length == UNLIMITED else request.length,
            "stop": list(request.stop),
            "label": label,
            "grammar": "c" if request.grammar == "c" and not request.free else not request.free,
        }
        chosen = {
            "followed": request.follow or None,
            "balanced": request.balanced or None,
            "max_copy": request.max_copy,
            "best_of": request.best_of if request.best_of > 1 else None,
            "beam": request.beam,
            "mixture": None if mixture is None else mixture.to_json(),
            "music": None if request.music is None else _given(request.music),
            "unseen": request.unseen or None,
            "no_prompt": request.no_prompt or None,
            "timing": request.timing,
        }
        return settings | {key: value for key, value in chosen.items() if value is not None}
