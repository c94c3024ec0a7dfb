"""Learning while playing: a prompt adapts the weights before a sample goes on from it; the model itself stays as it is.

This is dynamic evaluation (Krause et al. 2018, see `seqgen.evaluation.dynamic`) in generation: the prompt is read in
segments, each of which is learned from. The gradient statistics, too, are the prompt's, read once before: it is known,
and the training text mostly is not here. What then samples is the ordinary engine with the
weights that came of it. It learns on one thread of the CPU, so that the same prompt gives the same weights whatever
the number of threads. torch is imported when something is learned, and not before.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from seqgen.api.engines import make_engine
from seqgen.checkpoint import Checkpoint
from seqgen.codecs import Ids
from seqgen.errors import SettingError, UsageError
from seqgen.generation import Engine
from seqgen.models import weight_shapes

if TYPE_CHECKING:
    from seqgen.api.model import Model
    from seqgen.evaluation.dynamic import Adaptive
    from seqgen.models.network import RecurrentLM

RATE = 7e-4  # η where none is given, chosen on held-out text: see `benchmarks/README.md`


class Adapting:
    """What learns from what is played, for one sampler.

    Args:
        model: What samples; it is left as it is.
        rate: η of dynamic evaluation; True: RATE, or less where the model diverges.

    Attributes:
        steps: Gradient steps so far.

    Raises:
        UsageError: The model is one that cannot learn.
    """

    def __init__(self, model: "Model", rate: float | bool) -> None:
        if model.mixture is not None:
            raise UsageError("--adapt is for a single model, a mixture cannot learn", "leave --mix and --blend out")
        self._model, self._given, self.steps = model, None if rate is True else float(rate), 0
        self._adaptive: Adaptive | None = None

    @property
    def rate(self) -> float:
        """The learning rate in use."""
        return self._adaptive.rate if self._adaptive is not None else RATE if self._given is None else self._given

    @property
    def network(self) -> "RecurrentLM | None":
        """The network as it has learned so far; None: it has not."""
        return None if self._adaptive is None else self._adaptive.network

    def learn(self, ids: Ids) -> None:
        """Learn from (n,) ids, those that frame documents left out; nothing where there are not two.

        Raises:
            UsageError: torch is not installed.
            SettingError: The model diverges at the rate that was given.
        """
        own = self._model.tokenizer.own(ids)
        if len(own) < 2:
            return
        try:
            from seqgen.evaluation.dynamic import Adaptive, DynamicSettings
            from seqgen.evaluation.protocols import one_torch_thread
        except ImportError as error:
            raise UsageError("--adapt needs torch, which cannot be imported here", "leave --adapt out") from error
        start = np.zeros(1, np.int64)
        with one_torch_thread():
            if self._adaptive is None:
                settings, rate = DynamicSettings(learning_rate=self._given), self.rate
                self._adaptive = Adaptive(self._model.checkpoint.network(), settings)
                self._adaptive.normalise(own, start, len(own), "cpu", lambda count: None)
                self._adaptive.rate = rate
            try:
                self._adaptive.read(own, start, "cpu")
            except SettingError as error:
                raise SettingError(f"--adapt {self.rate:g} is too much: the model diverges", error.hint) from error
        self.steps += -(-(len(own) - 1) // self._adaptive.settings.segment)

    def engine(self) -> Engine[Any]:
        """The engine with what was learned; the model's own where nothing was."""
        return self._model.engine if self._adaptive is None else make_engine(self.checkpoint(), *self._model.kind)

    def checkpoint(self) -> Checkpoint:
        """The model with what was learned; as it was where nothing was."""
        before = self._model.checkpoint
        if self._adaptive is None:
            return before
        found = self._adaptive.network.state_dict()
        names = weight_shapes(before.cell, before.settings, before.tokenizer.vocab_size)
        return replace(before, weights={name: found[name].detach().cpu().numpy().copy() for name in names})

    def to_json(self) -> dict[str, object]:
        """How it learned, as plain data."""
        from seqgen.evaluation.dynamic import DynamicSettings

        settings = DynamicSettings()
        return {"rate": self.rate, "steps": self.steps, "segment": settings.segment, "decay": settings.decay}


def learned(model: "Model", rate: float | bool, prompt: Ids, needed: bool) -> Adapting:
    """A model that has learned from a prompt.

    Args:
        model: It is left as it is.
        rate: As in `Adapting`.
        prompt: (n,) ids.
        needed: Whether nothing else can be learned from later.

    Raises:
        UsageError: There is nothing to learn from, or the model cannot learn.
        SettingError: The model diverges at the rate that was given.
    """
    adapting = Adapting(model, rate)
    adapting.learn(prompt)
    if not adapting.steps and needed:
        raise UsageError("--adapt has no prompt to learn from", "give one of two tokens at least: -p or --prompt-file")
    return adapting
