"""`--events`: what happens, as lines of JSON on standard output, one event each, flushed as they come.

    {"event": "start", "seed", "samples", "checkpoint", "temperature", "rules", "label", "prompt", "prompt_tokens"}
    {"event": "token", "sample", "id", "text" or "name", "log_probability", "entropy", "elapsed"}
    {"event": "sample", …}      as `--json` has it; "text" is null where --length is inf or the sample is music
    {"event": "control", …}     what a control line changed, with --follow
    {"event": "error", "message", "hint"}

`text` is what the token adds in whole characters, "" while one is not complete; `name` is what music has instead.
Log-probability and entropy are nats under the model, before any rule; `elapsed` is seconds since the start.
"""

import json
import math
import time
from typing import Any, BinaryIO

from seqgen.api.sampler import Sampler
from seqgen.api.usual import effective
from seqgen.api.words import Words
from seqgen.errors import SeqgenError
from seqgen.generation.loop import Step
from seqgen.jobs.sample.audience import Audience, Sampled, Show
from seqgen.jobs.sample.settings import SampleJob

DIGITS = 6  # of a number of nats or seconds, behind the point


class Events(Audience):
    """The lines.

    Args:
        stream: Where they go.
    """

    show: Show = "events"
    scores = True

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream

    def begun(self, sampler: Sampler, job: SampleJob, label: str | None) -> None:
        """The first line."""
        self.words, self.began = Words(sampler), time.perf_counter()
        self.sampler = sampler
        model, prompt = sampler.model, sampler.prompts[0]
        self.key = "text" if model.is_text else "name"
        text = model.tokenizer.decode(prompt).decode("utf-8", "replace") if model.pieces else None
        self.tell(
            "start",
            seed=job.seed,
            samples=job.samples,
            checkpoint=model.digest,
            temperature=job.temperature,
            rules=[list(rule) for rule in effective(model, job.rules)],
            label=label,
            prompt=text,
            prompt_tokens=len(prompt),
        )

    def token(self, index: int, step: Step) -> None:
        """A token of the sample `index`."""
        token, watch = self.words.token(index, step), self.sampler.sampling.watch
        cells = {"cells": dict(zip(watch, self.sampler.seen_cells))} if watch and index == 0 else {}
        self.tell(
            "token",
            **{"sample": index + 1, "id": token.id, self.key: token.text},
            log_probability=_finite(token.log_probability),
            entropy=_finite(token.entropy),
            elapsed=round(time.perf_counter() - self.began, DIGITS),
            **cells,
        )

    def steered(self, said: dict[str, object]) -> None:
        """A control was followed."""
        self.tell("control", **said)

    def refused(self, error: SeqgenError) -> None:
        """A control was not followed."""
        self.tell("error", message=error.message, hint=error.hint)

    def done(self, sample: Sampled) -> None:
        """A sample is in its place."""
        self.tell("sample", **record(sample))

    def tell(self, event: str, **fields: Any) -> None:
        """One event."""
        self.stream.write(json.dumps({"event": event, **fields}).encode("ascii") + b"\n")
        self.stream.flush()


def record(sample: Sampled) -> dict[str, object]:
    """A sample as plain data under stable names."""
    found: dict[str, object] = {
        "sample": sample.index + 1,
        "seed": sample.seed,
        "tokens": sample.tokens,
        "tokens_per_second": round(sample.rate, 1),
        "finished": sample.finished,
        "take": sample.take,
        **({} if sample.originality is None else {"originality": sample.originality.to_json()}),
    }
    if sample.path is not None:
        return {**found, "path": str(sample.path)}
    return {**found, "text": None if sample.data is None else sample.data.decode("utf-8", "replace")}


def _finite(value: float) -> float | None:
    """A number that JSON has."""
    return round(value, DIGITS) if math.isfinite(value) else None
