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

from seqgen.api.sampler import Sampler, Words
from seqgen.generation.loop import Step

DIGITS = 6  # of a number of nats or seconds, behind the point


class Events:
    """The lines.

    Args:
        stream: Where they go.
        sampler: Whose tokens they tell of.
    """

    def __init__(self, stream: BinaryIO, sampler: Sampler) -> None:
        self.stream = stream
        self.words = Words(sampler)
        self.key = "text" if sampler.model.pieces is not None else "name"
        self.began = time.perf_counter()

    def tell(self, event: str, **fields: Any) -> None:
        """One event."""
        self.stream.write(json.dumps({"event": event, **fields}).encode("ascii") + b"\n")
        self.stream.flush()

    def token(self, index: int, step: Step) -> None:
        """A token of the sample `index`."""
        token = self.words.token(index, step)
        self.tell(
            "token",
            **{"sample": index + 1, "id": token.id, self.key: token.text},
            log_probability=_finite(token.log_probability),
            entropy=_finite(token.entropy),
            elapsed=round(time.perf_counter() - self.began, DIGITS),
        )


def _finite(value: float) -> float | None:
    """A number that JSON has."""
    return round(value, DIGITS) if math.isfinite(value) else None
