"""The takes of one call of `seqgen generate`: opened when the first of them is written, closed at the end."""

from dataclasses import asdict

from seqgen.api.usual import effective
from seqgen.jobs.observer import Observer
from seqgen.jobs.sample.preparing import Prepared
from seqgen.music.request import Music
from seqgen.takes.record import Beginning, Circumstances, TakeSettings, TakeSource
from seqgen.takes.recorder import Recorder
from seqgen.takes.store import Takes


def _given(music: Music) -> dict[str, object]:
    """What was asked of music, as plain data."""
    return {key: value for key, value in asdict(music).items() if value is not None}


class AsTakes:
    """Recorders for samples.

    Args:
        prepared: What is sampled.
        observer: Is told, once, what keeps takes from being kept.
    """

    def __init__(self, prepared: Prepared, observer: Observer) -> None:
        self.prepared, self.observer = prepared, observer
        self._takes: Takes | None = None
        self._complaints: set[str] = set()
        model = prepared.model
        provenance, tokenizer = model.checkpoint.provenance, model.tokenizer
        self._source = TakeSource(model.digest, model.name, str(provenance.get("corpus", "")), tokenizer.spec())

    def recorder(self, index: int, label: str | None) -> Recorder:
        """What keeps the sample `index`."""
        job = self.prepared.job
        circumstances: Circumstances = {"engine": job.engine, "device": job.device, "prompt_file": job.prompt_file}
        beginning = Beginning(self._source, index + 1, job.seed, self._settings(label), circumstances)
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
            self.observer.note(message)

    def _settings(self, label: str | None) -> TakeSettings:
        job, prepared = self.prepared.job, self.prepared
        mixture = prepared.model.mixture
        settings: TakeSettings = {
            "temperature": job.temperature,
            "rules": [list(rule) for rule in effective(prepared.model, job.rules)],
            "length": "inf" if job.unlimited else job.length,
            "stop": list(job.stop),
            "label": label,
            "grammar": job.grammar,
        }
        if job.follow:
            settings["followed"] = True
        if job.balanced:
            settings["balanced"] = True
        if prepared.sampler.max_copy is not None:
            settings["max_copy"] = prepared.sampler.max_copy
        if job.best_of > 1:
            settings["best_of"] = job.best_of
        if job.beam is not None:
            settings["beam"] = job.beam
        if mixture is not None:
            settings["mixture"] = mixture.to_json()
        if job.music is not None:
            settings["music"] = _given(job.music)
        if job.new:
            settings["new"] = True
        if job.unseen:
            settings["unseen"] = True
        if not job.memory:
            settings["memory"] = False
        if job.clamp:
            settings["clamp"] = list(job.clamp)
        if job.gain:
            settings["gain"] = list(job.gain)
        if prepared.sampler.adapting is not None:
            settings["adapt"] = prepared.sampler.adapting.to_json()
        if job.no_prompt:
            settings["no_prompt"] = True
        if prepared.sampler.hole is not None:
            settings["hole"] = prepared.sampler.hole.kept
        if prepared.timing is not None:
            settings["timing"] = prepared.timing
        return settings
