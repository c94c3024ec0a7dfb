"""MIDI controllers: which control each turns, and how one learns which."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from seqgen.live import controls
from seqgen.live.preset import MOST_CC, Preset, bound

Tell = Callable[[Mapping[str, Any]], object]


class Controllers:
    """Those of a session.

    Args:
        preset: Which turn what at the beginning.
        tell: Is told what was learned.
    """

    def __init__(self, preset: Preset, tell: Tell) -> None:
        self.bound, self._tell = preset.controllers, tell
        self._learning: list[str] = []

    def learn(self, names: Sequence[str]) -> None:
        """The next controllers that move turn these.

        Raises:
            UsageError: There is no such control, or none that a controller can turn.
        """
        for name in names:
            bound({}, name, 0)
            self._learning.append(name)
        if self._learning:
            self._tell({"event": "learn", "control": self._learning[0]})

    def turn(self, number: int, value: int) -> dict[str, Any]:
        """What becomes of a controller that moved: controls with their values, or nothing."""
        if self._learning:
            self._learn(number, value)
            return {}
        name = self.bound.get(number)
        return {} if name is None else {name: controls.knob(name).of_controller(value)}

    def _learn(self, number: int, value: int) -> None:
        name = self._learning[0]
        released = value == 0 and self.bound.get(number) == name  # a button that had been pressed for it goes up
        if released or number > MOST_CC:
            return
        self._learning.pop(0)
        self.bound = bound(self.bound, name, number)
        self._tell({"event": "learned", "control": name, "cc": number})
        self.learn(())
