"""The controls, once for every surface: lines of JSON, WebSocket, OSC, MIDI controllers, presets, sliders.

Each has a name, a kind, a range, a unit, a default and a line of help; its documentation is made of these. `generate
--follow` understands those that are marked `lines`.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from seqgen import registry
from seqgen.api.control import MAX_NAME, Control, control_of, read_line
from seqgen.errors import UsageError
from seqgen.inside.naming import read_value
from seqgen.music.controls import instruments, tonality

Kind = Literal["number", "whole", "text", "choice", "flag"]
MODES = ("solo", "call", "follow", "accompany", "loop")
RULE = "rule."  # before the name of a rule
MAX_TEXT = 1 << 12  # characters
STEPS = 127  # of a MIDI controller
CELLS = ("clamp", "gain")  # which control lines have as objects
CLASSES = ("pitch", "time", "velocity")  # of tokens, that have a temperature of their own


@dataclass(frozen=True)
class Knob:
    """One control.

    Attributes:
        name, kind: What it is called, and what its values are. A flag does something when it is true.
        default: Its value at the beginning; None: as the model likes.
        least, most: Of a number.
        unit: What a number counts.
        help: In a line.
        cc: The MIDI controller that turns it where nobody says otherwise; None: none does.
        choices: Of a choice.
        lines: Whether `generate --follow` has it, too.
    """

    name: str
    kind: Kind
    default: Any
    help: str
    least: float = 0
    most: float = 0
    unit: str = ""
    cc: int | None = None
    choices: tuple[str, ...] = ()
    lines: bool = False

    def checked(self, value: Any) -> Any:
        """A value of the right type, within its range.

        Raises:
            UsageError: It is none.
        """
        if self.kind == "flag":
            return self._flag(value)
        if self.kind == "choice" and value in self.choices:
            return value
        if value is None or (isinstance(value, str) and value.strip().lower() in ("none", "")):
            if self.default is not None:
                raise UsageError(f"{self.name} is {shown(value)}, expected {self.expected}")
            return None
        if self.kind in ("number", "whole"):
            return self._number(value)
        if not isinstance(value, str) or len(value) > MAX_TEXT:
            raise UsageError(f"{self.name} is {shown(value)}, expected {self.expected}")
        if self.kind == "choice":
            raise UsageError(f"{self.name} is {shown(value)}, expected {self.expected}")
        return value

    def of_controller(self, value: int) -> Any:
        """The value of a controller at `value`, 0 to 127."""
        share = value / STEPS
        if self.kind == "flag":
            return value > STEPS // 2
        if self.kind == "choice":
            return self.choices[min(int(share * len(self.choices)), len(self.choices) - 1)]
        number = self.least + share * (self.most - self.least)
        return round(number) if self.kind == "whole" else number

    @property
    def turns(self) -> bool:
        """Whether a controller can turn it."""
        return self.kind != "text"

    @property
    def expected(self) -> str:
        """What values it takes, for sentences."""
        if self.kind == "choice":
            return f"one of {', '.join(self.choices)}"
        if self.kind in ("flag", "text"):
            return "true" if self.kind == "flag" else "text"
        return f"{'a whole number' if self.kind == 'whole' else 'a number'} from {self.least:g} to {self.most:g}"

    def _flag(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, int | float) and value in (0, 1):
            return bool(value)
        raise UsageError(f"{self.name} is {shown(value)}, expected true")

    def _number(self, value: Any) -> float | int:
        try:
            if isinstance(value, bool) or not isinstance(value, int | float | str) or len(str(value)) > MAX_NAME:
                raise ValueError
            number = float(value)
        except (ValueError, OverflowError):
            raise UsageError(f"{self.name} is {shown(value)}, expected {self.expected}") from None
        whole = self.kind == "whole"
        if not math.isfinite(number) or not self.least <= number <= self.most or (whole and number != int(number)):
            raise UsageError(f"{self.name} is {shown(value)}, expected {self.expected}")
        return int(number) if whole else number


KNOBS = (
    Knob("temperature", "number", 0.9, "Boldness: 0 plays the likeliest always.", 0, 2, cc=20, lines=True),
    Knob("temperature_pitch", "number", None, "Boldness of pitches alone.", 0, 3, cc=21),
    Knob("temperature_time", "number", None, "Boldness of onsets and lengths alone.", 0, 3, cc=22),
    Knob("temperature_velocity", "number", None, "Boldness of velocities alone.", 0, 3, cc=23),
    Knob("density", "whole", None, "How many notes: 1 is below one a second, 8 is 20 and more.", 1, 8, cc=24),
    Knob("tempo", "number", None, "How fast; MIDI clock goes before it. None: as the piece says.", 20, 400, "bpm", 25),
    Knob("transpose", "whole", 0, "Moves what goes out, drums aside.", -48, 48, "semitones", 26),
    Knob("velocity", "number", 1.0, "Loudness of what goes out: factor of its velocities.", 0, 2, cc=27),
    Knob("voices", "whole", 3, "Notes of an answer at most, in mode follow.", 1, 8, cc=28),
    Knob("listen", "whole", 1, "Silence after which a call is answered.", 1, 16, "bars", 29),
    Knob("answer", "whole", 0, "Length of an answer; 0: that of the call.", 0, 64, "bars", 30),
    Knob("loop_bars", "whole", 4, "Length of the loop, in mode loop.", 1, 64, "bars", 31),
    Knob("mutation", "number", 0.0, "Chance that a loop changes when it comes round.", 0, 1, cc=85),
    Knob("every", "number", 4.0, "A line of text each so many quarter notes.", 0.25, 64, "quarters", 86),
    Knob("quantise", "choice", "bar", "Where it begins, and goes on after a leap.", choices=("none", "beat", "bar")),
    Knob("mix", "number", None, "Weight of what --mix or --blend adds to the first.", 0, 1, cc=88),
    Knob("mode", "choice", "solo", "How it plays.", cc=87, choices=MODES),
    Knob("key", "text", None, "No other notes than those of C, F#, Am, Bbm …"),
    Knob("scale", "text", None, "With a key, another scale, such as minor-pentatonic."),
    Knob("instruments", "text", None, "These and no others, as in piano,bass,drums."),
    Knob("meter", "text", None, "This meter from the next piece on, as in 3/4."),
    Knob("label", "text", None, "The label of the next piece, where the corpus had labels."),
    Knob("clamp", "text", None, "Hold cells, as in layer1:cell317=0.9,layer1:cell4=0.", lines=True),
    Knob("gain", "text", None, "Hear cells louder or softer, as in layer1:cell317=2.", lines=True),
    Knob("prompt", "text", None, "Text that a text goes on with.", lines=True),
    Knob("mutate", "flag", False, "Change the loop, or begin another piece.", cc=89),
    Knob("capture", "flag", False, "The call is over: answer now.", cc=90),
    Knob("start", "flag", False, "Run the internal clock.", cc=102),
    Knob("reset", "flag", False, "Forget everything and begin a new piece.", cc=103, lines=True),
    Knob("pause", "flag", False, "Plan nothing more, let sounding notes end.", cc=104, lines=True),
    Knob("resume", "flag", False, "Go on.", cc=105, lines=True),
    Knob("panic", "flag", False, "Silence at once, and pause.", cc=106),
    Knob("tap", "flag", False, "Tap the tempo: four times, or more.", cc=107),
    Knob("stop", "flag", False, "End the session.", lines=True),
)
BY_NAME = {knob.name: knob for knob in KNOBS}


def knob(name: str) -> Knob:
    """The control of a name; also `rule.NAME`.

    Raises:
        UsageError: There is none.
    """
    if (found := BY_NAME.get(name)) is not None:
        return found
    if name.startswith(RULE):
        rule = registry.known("rules", name.removeprefix(RULE)[:MAX_NAME].replace("-", "_"))
        return Knob(f"{RULE}{rule}", "text", None, f"The rule {rule}; none takes it away.")
    raise UsageError(f"no control is called {shown(name)}", registry.nearest(name[:MAX_NAME], [*BY_NAME]))


def names() -> list[str]:
    """All of them, rules included."""
    return [*BY_NAME, *(f"{RULE}{name}" for name in registry.names("rules"))]


def defaults() -> dict[str, Any]:
    """The value of each that is no flag, at the beginning."""
    return {each.name: each.default for each in KNOBS if each.kind != "flag" and each.name != "prompt"}


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """Names and values of one change, checked; `rules` and cells may be objects, as control lines have it.

    Cells of an object change these cells alone: `settled` puts them among the others.

    Raises:
        UsageError: There is no such control, or a value makes no sense.
    """
    found: dict[str, Any] = {}
    for name, value in _flat(given):
        each = knob(str(name))
        if each.name in CELLS and isinstance(value, Mapping):
            found[each.name] = _cells(each.name, value)
        else:
            found[each.name] = _rule(each, value) if each.name.startswith(RULE) else each.checked(value)
    if found.get("key") is not None or found.get("scale") is not None:
        tonality(found.get("key") or ("C" if "key" not in found else None), found.get("scale"))
    for name in CELLS:
        for cell in found[name].split(",") if isinstance(found.get(name), str) else ():
            read_value(cell, name)
    if found.get("instruments") is not None:
        instruments(found["instruments"])
    if found.get("meter") is not None:
        meter_of(found["meter"])
    return found


def settled(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Changes of controls that have these values, with cells as text; those of an object among those held already."""
    found = dict(changes)
    for name in CELLS:
        if isinstance(change := changes.get(name), Mapping):
            pairs = (cell.rpartition("=") for cell in (values.get(name) or "").split(",") if cell)
            kept: dict[str, object] = {cell.strip(): value for cell, _, value in pairs}
            kept.update(change)
            found[name] = ",".join(f"{cell}={value}" for cell, value in kept.items() if value is not None) or None
    return found


def followed_by(changes: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """Two changes as one."""
    found = {**changes, **later}
    for name in CELLS:
        if name in changes and isinstance(later.get(name), Mapping):
            both = isinstance(changes[name], Mapping)
            found[name] = {**changes[name], **later[name]} if both else settled(changes, later)[name]
    return found


def meter_of(text: str) -> tuple[int, int]:
    """Numerator and denominator.

    Raises:
        UsageError: It is no meter.
    """
    over, _, under = text.partition("/")
    if all(part.isascii() and part.isdecimal() and len(part) < 3 and int(part) for part in (over, under)):
        return int(over), int(under)
    raise UsageError(f"meter is {shown(text)}, expected two numbers such as 6/8")


def parse_line(line: bytes) -> dict[str, Any]:
    """A line as names and values: a JSON object, or a name and a value as people type them.

    Raises:
        UsageError: It is neither, or holds what makes no sense.
    """
    text = line.strip()
    if text.startswith(b"{"):
        return checked(read_line(text))
    name, value = (*re.split("[= ]", text[:MAX_TEXT].decode("utf-8", "replace"), maxsplit=1), "")[:2]
    if not value.strip():
        value = "true" if name in BY_NAME and BY_NAME[name].kind == "flag" else ""
    return checked({name: True if value.strip() == "true" else value.strip()})


def followed(line: bytes) -> Control:
    """A line for `generate --follow`.

    Raises:
        UsageError: It makes no sense, or names a control that only `seqgen jam` has.
    """
    given = read_line(line)
    for name in given:
        if name in BY_NAME and not BY_NAME[name].lines:
            raise UsageError(f"{name} is a control of seqgen jam; generate --follow does not have it")
    return control_of(given)


def table() -> Iterator[tuple[str, str, str, str, str]]:
    """(name, values, default, controller, help) of each, for documentation."""
    for each in KNOBS:
        values = f"{each.expected.removeprefix('a number from ').removeprefix('a whole number from ')} {each.unit}"
        default = "" if each.kind == "flag" or each.default is None else str(each.default)
        yield each.name, values.strip(), default, "" if each.cc is None else str(each.cc), each.help


def shown(value: Any, limit: int = 60) -> str:
    """A value for a sentence: one line, no longer than it needs to be."""
    text = ascii(value) if not isinstance(value, int) or -(10**40) < value < 10**40 else "a huge number"
    return text if len(text) <= limit else f"{text[:limit]}…"


def _flat(given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in given.items():
        if name != "rules":
            yield name, value
        elif not isinstance(value, Mapping) or len(value) > MAX_NAME:
            raise UsageError(f"rules is {shown(value)}, expected an object, a value by name")
        else:
            yield from ((f"{RULE}{rule}", each) for rule, each in value.items())


def _cells(name: str, given: Mapping[str, Any]) -> dict[str, float | None]:
    """Cells and their values, None for one that is let go."""
    if len(given) > MAX_NAME:
        raise UsageError(f"{name} is {shown(given)}, expected {MAX_NAME} cells at most")
    read = {cell: read_value(f"{cell}={0 if value is None else value}", name)[1] for cell, value in given.items()}
    return {str(cell): None if given[cell] is None else number for cell, number in read.items()}


def _rule(each: Knob, value: Any) -> float | str | None:
    """The value of a rule, tried."""
    if value is None or (isinstance(value, str) and value.strip().lower() in ("none", "")):
        return None
    name = each.name.removeprefix(RULE)
    return control_of({"rules": {name: value}}).rules[0][1]
