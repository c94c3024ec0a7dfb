"""What draws from a model on and on, under controls that may change between two tokens: what music and text share."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from seqgen.api.model import Model
from seqgen.api.sampling import UNLIMITED, Sampling
from seqgen.errors import UsageError
from seqgen.generation.engines.mixture import Fade, MixtureEngine
from seqgen.generation.limits import Limits
from seqgen.generation.steering import Steered
from seqgen.live.controls import CELLS, CLASSES, RULE
from seqgen.music.request import Music

Keep = Callable[[Sequence[int]], object]


class Source:
    """A model that is drawn from.

    Args:
        model: The model.
        values: The controls, see `seqgen.live.controls`.
        seed: Of the draws.
        keep: Is given every id that is read or drawn, for a take.

    Attributes:
        pieces: How many documents were begun after the first.

    Raises:
        UsageError: The model cannot do what the controls ask for.
    """

    def __init__(self, model: Model, values: Mapping[str, Any], seed: int, keep: Keep = lambda ids: None) -> None:
        self.model, self.seed, self._keep, self.values = model, seed, keep, dict(values)
        self.pieces = 0
        self._check()
        _weigh(model, values)
        self._frame = self._framed()
        sampler = model.sampler(self._sampling(), [self._frame])
        limits = dataclasses.replace(self._limited(sampler.limits()), length=None, end_id=None)
        self._steered = Steered(sampler.engine, self._frame, sampler.rules, seed, limits, False)
        self._keep(self._frame.tolist())

    def change(self, values: Mapping[str, Any]) -> None:
        """Go on under other controls.

        Raises:
            UsageError: They cannot be; all stays as it was.
        """
        before, self.values = self.values, dict(values)
        try:
            self._check()
            sampler = self.model.sampler(self._sampling(), [self._frame])
            limits = sampler.limits()
            engine = sampler.engine if _held(before) != _held(values) else None
        except Exception:
            self.values = before
            raise
        _weigh(self.model, values)
        self._steered.set_rules(sampler.rules)
        if engine is not None:
            self._steered.set_engine(engine)
        self._limited(limits)

    def _restart(self) -> None:
        """Forget everything and begin another document."""
        self.pieces += 1
        self._frame = self._framed()
        self._steered.restart(self._frame)
        self._keep(self._frame.tolist())

    def _draw(self) -> tuple[int, bool]:
        """The next token, and whether with it the document has ended; then it is not taken in."""
        token = int(self._steered.step().ids[0])
        ended = token >= self.model.tokenizer.document_id
        if ended:
            self._steered.unsay()
        return token, ended

    def _check(self) -> None:
        """Raise UsageError where the model has not the label or the voices that controls name."""
        values = self.values
        if values.get("label") is not None:
            self.model.tokenizer.label_id(values["label"])
        if values.get("mix") is not None and not isinstance(self.model.engine, MixtureEngine):
            hint = "begin again with one of them"
            raise UsageError("mix weighs what --mix or --blend adds, and neither was given", hint)

    def _limited(self, limits: Limits) -> Limits:
        """What holds while it draws, of what a sampler says; called again when that changes."""
        return limits

    def _music(self) -> Music | None:
        """What music is to keep to."""
        return None

    def _framed(self) -> Any:
        """(n,) the ids that a document begins with."""
        return self.model.tokenizer.frame(self.model.label(self.values.get("label"), self.seed, self.pieces))

    def _sampling(self) -> Sampling:
        values = self.values
        rules = [(name.removeprefix(RULE), value) for name, value in values.items() if name.startswith(RULE)]
        clamp, gain = _held(values)
        return Sampling(
            seed=self.seed,
            temperature=temperature_of(values, self.model),
            rules=[(name, value) for name, value in rules if value is not None],
            length=UNLIMITED,
            music=self._music(),
            clamp=clamp,
            gain=gain,
        )


def _weigh(model: Model, values: Mapping[str, Any]) -> None:
    """Give the voices of a mixture their weights."""
    weight, engine = values.get("mix"), model.engine
    if weight is not None and isinstance(engine, MixtureEngine):
        others = len(engine.parts) - 1
        shares = (1 - weight, *[weight / max(others, 1)] * others)
        engine.fade = Fade(shares, shares)


def _held(values: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The cells that are held, and those that are scaled, as `seqgen.api.sampling.Sampling` has them."""
    clamp, gain = (tuple((values.get(name) or "").split(",")) if values.get(name) else () for name in CELLS)
    return clamp, gain


def temperature_of(values: Mapping[str, Any], model: Model) -> float | str:
    """The temperature, with those of classes of tokens behind it."""
    whole, classes = values.get("temperature", 0.9), model.tokenizer.classes()
    own = [(name, values.get(f"temperature_{name}")) for name in CLASSES if name in classes]
    given = [f"{name}={value}" for name, value in own if value is not None]
    return ",".join([str(whole), *given]) if given else float(whole)
