"""A sample that is steered while it runs: controls are taken in between two tokens, in the order in which they came."""

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from seqgen.api.control import Control, changed
from seqgen.cli._options import note
from seqgen.errors import SeqgenError, UsageError
from seqgen.generation.loop import Step
from seqgen.jobs.sample.controls import Controls, standard_input

if TYPE_CHECKING:
    from seqgen.jobs.sample.session import Session


def follow(session: "Session", controls: Controls | None = None) -> Iterator[Step]:
    """The steps of the session's first sample, which goes where it is steered."""
    follower = _Follower(session, standard_input() if controls is None else controls)
    while follower.listen():
        yield follower.steered.step()


BETWEEN = 64  # controls between two tokens at most: a flood of them must not stop the sample


class _Follower:
    """One steered sample."""

    def __init__(self, session: "Session", controls: Controls) -> None:
        self.session, self.controls = session, controls
        self.steered = session.sampler.steered(scores=session.request.events)
        self.temperature: Any = session.request.temperature
        self.rules: tuple[tuple[str, Any], ...] = session.request.rules
        self.paused = False

    def listen(self) -> bool:
        """Do what there is to be done before the next token; whether there is to be one."""
        done = 0
        while self.steered.active:
            if done >= BETWEEN and not self.paused:
                return True
            done += 1
            item = self.controls.take(wait=self.paused)
            if item is None:
                self.paused = False  # the input has ended while it waited: nobody else could make it go on
                return True
            self.session.interrupts.hold()
            goes_on = self._follow(item)
            self.session.interrupts.release()
            if not goes_on:
                return False
        return False

    def _follow(self, item: Control | UsageError) -> bool:
        """Do what one line asks for; whether the sample goes on."""
        if isinstance(item, UsageError):
            self._refuse(item)
            return True
        try:
            self._steer(item)
            self._read(item)
        except SeqgenError as error:
            self._refuse(error)
            return True
        self.paused = (self.paused or item.pause) and not item.resume
        self._confirm(item)
        if item.stop:
            self.session.tracks[0].finished = "stop"
        return not item.stop

    def _steer(self, control: Control) -> None:
        """Change rules; what cannot be leaves them as they were."""
        temperature, changes = self.temperature, control.rules
        if control.temperature is not None:
            temperature = control.temperature
            if any(name == "temperature" for name, _ in self.rules):  # where it stands, it counts
                changes = (("temperature", temperature), *changes)
        rules = changed(self.rules, changes)
        if (temperature, rules) != (self.temperature, self.rules):
            self.steered.set_rules(self.session.sampler.chain(temperature, rules))
            self.temperature, self.rules = temperature, rules

    def _read(self, control: Control) -> None:
        """Begin anew, go on with a prompt."""
        model = self.session.model
        if control.prompt and model.pieces is None:
            raise UsageError("a prompt in a control line is text, and this model makes music")
        ids = model.tokenizer.opening(control.prompt) if control.prompt else None
        if control.reset:
            frame = model.tokenizer.frame(self.session.labels[0])
            self.session.feed(frame.tolist())
            self.steered.restart(frame)
        if ids is not None:
            self.session.feed(ids.tolist())
            self.steered.feed(ids)

    def _confirm(self, control: Control) -> None:
        if self.session.events is not None:
            said = {key: value for key, value in dataclasses.asdict(control).items() if value not in (None, (), b"", 0)}
            if control.temperature is not None:
                said["temperature"] = control.temperature
            if control.prompt:
                said["prompt"] = control.prompt.decode("utf-8", "replace")
            if control.rules:
                said["rules"] = dict(control.rules)
            self.session.events.tell("control", **said)

    def _refuse(self, error: SeqgenError) -> None:
        if self.session.events is not None:
            self.session.events.tell("error", message=error.message, hint=error.hint)
        else:
            note(f"Error: {error}")
