"""What is set and learned, as TOML: `[controls]` values by name, `[cc]` the MIDI controller of each control."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seqgen.errors import UsageError
from seqgen.files import write_bytes
from seqgen.live import controls
from seqgen.registry import nearest
from seqgen.settings import read_toml

TABLES = ("controls", "cc")
MOST_CC = 119  # those above are modes of a channel


def usual_controllers() -> dict[int, str]:
    """Controller → the control that it turns where nobody says otherwise."""
    return {each.cc: each.name for each in controls.KNOBS if each.cc is not None}


@dataclass(frozen=True)
class Preset:
    """A preset.

    Attributes:
        values: Of controls, checked.
        controllers: Number of a MIDI controller → the control that it turns.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    controllers: Mapping[int, str] = field(default_factory=usual_controllers)

    @classmethod
    def load(cls, path: Path) -> "Preset":
        """The preset in a file.

        Raises:
            UsageError: It cannot be read, or holds a key or a value that makes no sense.
        """
        given = read_toml(path)
        for name in given:
            if name not in TABLES:
                raise UsageError(f"{path}: no table is called {controls.shown(name)}", nearest(str(name), TABLES))
        tables = [given.get(name, {}) for name in TABLES]
        if not all(isinstance(table, dict) for table in tables):
            raise UsageError(f"{path}: [controls] and [cc] are tables, expected names and values")
        try:
            values = controls.settled({}, controls.checked(tables[0]))
            if flags := [name for name in values if controls.knob(name).kind == "flag"]:
                raise UsageError(f"{flags[0]} is something that happens, which a preset cannot hold")
            found = usual_controllers()
            for name, number in tables[1].items():
                found = bound(found, str(name), number)
        except UsageError as error:
            raise UsageError(f"{path}: {error.message}", error.hint) from None
        return cls(values, found)

    def save(self, path: Path) -> None:
        """Write it. Raises OutputError where that cannot be."""
        lines = ["# A preset of seqgen jam.", "[controls]"]
        lines += [f"{_key(name)} = {_text(value)}" for name, value in sorted(self.values.items()) if value is not None]
        lines += ["", "[cc]"]
        lines += [f"{_key(name)} = {number}" for number, name in sorted(self.controllers.items())]
        write_bytes(path, ("\n".join(lines) + "\n").encode())


def bound(controllers: Mapping[int, str], name: str, number: Any) -> dict[int, str]:
    """The same with a control on another controller; what that turned before is turned by none.

    Raises:
        UsageError: There is no such control or controller, or a controller cannot turn it.
    """
    knob = controls.knob(name)
    if not knob.turns:
        raise UsageError(f"{name} is text, which no MIDI controller can turn")
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= MOST_CC:
        raise UsageError(f"the controller of {name} is {controls.shown(number)}, expected 0 to {MOST_CC}")
    kept = {key: value for key, value in controllers.items() if value != knob.name and key != number}
    return {**kept, number: knob.name}


def _key(name: str) -> str:
    return f'"{name}"' if "." in name else name


def _text(value: Any) -> str:
    """A value as TOML has it."""
    if isinstance(value, str):
        escaped = "".join(
            f"\\u{ord(each):04x}" if ord(each) < 32 or ord(each) == 127 else each
            for each in value.replace("\\", "\\\\").replace('"', '\\"')
        )
        return f'"{escaped}"'
    return str(value)
