"""A model of text or code that says line after line, for programs that listen on the beat."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from seqgen.api.model import Model
from seqgen.api.sampling import UNLIMITED, Sampling
from seqgen.generation.steering import Steered
from seqgen.live.controls import RULE
from seqgen.live.stream import check, held_cells, temperature, weigh

LONGEST = 1000  # tokens of a line; a longer one is cut


class Lines:
    """What a model of text says, line by line.

    Args:
        model: Of text or code.
        values: The controls.
        seed: Of the draws.
        keep: Is given every id that is read or drawn.
    """

    def __init__(
        self,
        model: Model,
        values: Mapping[str, Any],
        seed: int,
        keep: Callable[[Sequence[int]], object] = lambda ids: None,
    ) -> None:
        self.model, self.seed, self._keep, self.values = model, seed, keep, dict(values)
        check(model, values)
        weigh(model, values)
        self.pieces = 0
        self._frame = model.tokenizer.frame(model.label(values.get("label"), seed))
        self.sampler = model.sampler(self._sampling(), [self._frame])
        limits = dataclasses.replace(self.sampler.limits(), length=None, end_id=None)
        self._steered = Steered(self.sampler.engine, self._frame, self.sampler.rules, seed, limits, False)
        self._pieces = model.pieces or []
        self._keep(self._frame.tolist())

    def change(self, values: Mapping[str, Any]) -> None:
        """Go on under other controls. Raises UsageError where they cannot be."""
        before, self.values = self.values, dict(values)
        try:
            check(self.model, values)
            sampler = self.model.sampler(self._sampling(), [self._frame])
            engine = sampler.engine if held_cells(before) != held_cells(values) else None
        except Exception:
            self.values = before
            raise
        self.sampler = sampler
        weigh(self.model, values)
        self._steered.set_rules(sampler.rules)
        if engine is not None:
            self._steered.set_engine(engine)

    def begin(self) -> None:
        """Forget everything and begin a new document."""
        self.pieces += 1
        self._frame = self.model.tokenizer.frame(self.model.label(self.values.get("label"), self.seed, self.pieces))
        self._steered.restart(self._frame)
        self._keep(self._frame.tolist())

    def read(self, text: str) -> None:
        """Go on with a text."""
        ids = self.model.tokenizer.encode_prompt(text.encode("utf-8", "surrogateescape"))
        self._steered.feed(ids)
        self._keep(ids.tolist())

    def line(self) -> str:
        """The next line that holds anything, without its end."""
        made = b""
        for _ in range(LONGEST):
            token = int(self._steered.step().ids[0])
            ended = token >= self.model.tokenizer.document_id
            if ended:
                self._steered.unsay()
                self.begin()
            else:
                self._keep([token])
                made += self._pieces[token]
            if (ended or b"\n" in made) and made.strip():
                break
        return made.strip(b"\r\n").decode("utf-8", "replace")

    def _sampling(self) -> Sampling:
        rules = [(name.removeprefix(RULE), value) for name, value in self.values.items() if name.startswith(RULE)]
        rules = [(name, value) for name, value in rules if value is not None]
        warm, (clamp, gain) = temperature(self.values, self.model), held_cells(self.values)
        return Sampling(seed=self.seed, temperature=warm, rules=rules, length=UNLIMITED, clamp=clamp, gain=gain)
