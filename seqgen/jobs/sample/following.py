"""A sample that is steered while it runs: controls are taken in between two tokens, in the order in which they came."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from seqgen.api.control import Control, changed, changed_cells
from seqgen.api.holding import held_of
from seqgen.errors import SeqgenError, UsageError
from seqgen.generation.loop import Step
from seqgen.jobs.interrupts import Interrupts
from seqgen.jobs.sample.audience import Audience
from seqgen.jobs.sample.controls import Controls
from seqgen.jobs.sample.preparing import Prepared

BETWEEN = 64  # controls between two tokens at most: a flood of them must not stop the sample


@dataclass(frozen=True)
class Fed:
    """The sample was told to go on with these tokens."""

    ids: list[int]


@dataclass(frozen=True)
class Stopped:
    """The sample was told to end."""


Happening: TypeAlias = Step | Fed | Stopped


def follow(prepared: Prepared, controls: Controls, audience: Audience, interrupts: Interrupts) -> Iterator[Happening]:
    """What happens to the first sample, which goes where it is steered.

    Args:
        prepared: What is sampled.
        controls: What steers it.
        audience: Is told which controls were followed.
        interrupts: Are held back while a control works, so that all of it is done or nothing.
    """
    follower = _Follower(prepared, controls, audience, interrupts)
    while follower.steered.active:
        yield from follower.listen()
        if follower.ended or not follower.steered.active:
            return
        yield follower.steered.step()


class _Follower:
    """One steered sample."""

    def __init__(self, prepared: Prepared, controls: Controls, audience: Audience, interrupts: Interrupts) -> None:
        self.prepared, self.controls, self.audience, self.interrupts = prepared, controls, audience, interrupts
        self.steered = prepared.sampler.steered(audience.scores, audience.likely)
        self.temperature: Any = prepared.job.temperature
        self.rules: tuple[tuple[str, Any], ...] = tuple(prepared.job.rules)
        self.clamp, self.gain = held_of(prepared.job.clamp, prepared.job.gain)
        self.paused = self.ended = False

    def listen(self) -> Iterator[Happening]:
        """Do what there is to be done before the next token; `ended` says whether there is to be none."""
        done = 0
        while self.steered.active and not self.ended:
            if done >= BETWEEN and not self.paused:
                return
            done += 1
            item = self.controls.take(wait=self.paused)
            if item is None:
                self.paused = False  # the input has ended while it waited: nobody else could make it go on
                return
            self.interrupts.hold()
            yield from self._follow(item)
            self.interrupts.release()

    def _follow(self, item: Control | UsageError) -> Iterator[Happening]:
        """Do what one line asks for."""
        if isinstance(item, UsageError):
            self.audience.refused(item)
            return
        try:
            self._steer(item)
            yield from self._read(item)
        except SeqgenError as error:
            self.audience.refused(error)
            return
        self.paused = (self.paused or item.pause) and not item.resume
        self._confirm(item)
        if item.stop:
            self.ended = True
            yield Stopped()

    def _steer(self, control: Control) -> None:
        """Change rules; what cannot be leaves them as they were."""
        temperature, changes = self.temperature, control.rules
        if control.temperature is not None:
            temperature = control.temperature
            if any(name == "temperature" for name, _ in self.rules):  # where it stands, it counts
                changes = (("temperature", temperature), *changes)
        rules = changed(self.rules, changes)
        if (temperature, rules) != (self.temperature, self.rules):
            self.steered.set_rules(self.prepared.sampler.chain(temperature, rules))
            self.temperature, self.rules = temperature, rules
        clamp, gain = changed_cells(self.clamp, control.clamp), changed_cells(self.gain, control.gain)
        if (clamp, gain) != (self.clamp, self.gain):
            self.steered.set_engine(self.prepared.sampler.played(clamp, gain))
            self.clamp, self.gain = clamp, gain

    def _read(self, control: Control) -> Iterator[Happening]:
        """Begin anew, go on with a prompt."""
        model = self.prepared.model
        if control.prompt and not model.is_text:
            raise UsageError("a prompt in a control line is text, and this model makes music")
        ids = model.tokenizer.encode_prompt(control.prompt) if control.prompt else None
        if control.reset:
            frame = model.tokenizer.frame(self.prepared.labels[0])
            yield Fed(frame.tolist())
            self.steered.restart(frame)
        if ids is not None:
            yield Fed(ids.tolist())
            if self.prepared.sampler.learn(ids):
                self.steered.set_engine(self.prepared.sampler.played(self.clamp, self.gain))
            self.steered.feed(ids)

    def _confirm(self, control: Control) -> None:
        said = {key: value for key, value in dataclasses.asdict(control).items() if value not in (None, (), b"", 0)}
        if control.temperature is not None:
            said["temperature"] = control.temperature
        if control.prompt:
            said["prompt"] = control.prompt.decode("utf-8", "replace")
        said |= {name: dict(getattr(control, name)) for name in ("rules", "clamp", "gain") if getattr(control, name)}
        self.audience.steered(said)
