"""A model of text or code that says line after line, for programs that listen on the beat."""

from collections.abc import Mapping
from typing import Any

from seqgen.api.model import Model
from seqgen.errors import UsageError
from seqgen.live.source import Keep, Source

LONGEST = 1000  # tokens of a line; a longer one is cut


class Lines(Source):
    """What a model of text says, line by line. The arguments are those of `Source`."""

    def __init__(self, model: Model, values: Mapping[str, Any], seed: int, keep: Keep = lambda ids: None) -> None:
        self._bytes = model.pieces or []
        super().__init__(model, values, seed, keep)

    def _check(self) -> None:
        super()._check()
        mode = self.values.get("mode", "solo")
        if mode != "solo":
            raise UsageError(f"{self.model.name} makes text, which has no mode {mode}", "leave mode out: it says lines")

    def begin(self) -> None:
        """Forget everything and begin a new document."""
        self._restart()

    def read(self, text: str) -> None:
        """Go on with a text."""
        ids = self.model.tokenizer.encode_prompt(text.encode("utf-8", "surrogateescape"))
        self._steered.feed(ids)
        self._keep(ids.tolist())

    def line(self) -> str:
        """The next line that holds anything, without its end."""
        made = b""
        for _ in range(LONGEST):
            token, ended = self._draw()
            if ended:
                self.begin()
            else:
                self._keep([token])
                made += self._bytes[token]
            if (ended or b"\n" in made) and made.strip():
                break
        return made.strip(b"\r\n").decode("utf-8", "replace")
