"""The XML of a score to flat items, measure by measure. Knows which elements matter, and nothing of what they mean.

Expat reads the bytes once and no tree is built: every note, attributes, direction, … becomes one dictionary of the
texts (`"step": "C"`) and attributes (`"repeat@times": "2"`) inside it, whatever lies between. A document type with an
internal subset is refused at its first bracket, so that no entity is ever declared; nothing outside is ever fetched.
"""

from collections import Counter
from dataclasses import dataclass, field
from xml.parsers import expat

from seqgen.music.faults import Faults, refuse
from seqgen.music.notation.bars import DYNAMICS

MAX_DEPTH = 64  # real scores reach 10
MAX_ELEMENTS = 3_000_000
MAX_ITEMS = 500_000  # of all parts together
MAX_PARTS = 256
MAX_TEXT = 200  # characters of one text or attribute
MAX_DOTS = 4  # of a beat unit

Fields = dict[str, str]

_STRUCTURE = {
    "score-partwise",
    "score-timewise",
    "part",
    "measure",
    "score-part",
    "score-instrument",
    "midi-instrument",
}
_ITEMS = {"note", "attributes", "backup", "forward", "direction", "barline", "sound"}
_TEXTS = {
    "step", "alter", "octave", "duration", "voice", "divisions", "beats", "beat-type", "chromatic", "octave-change",
    "beat-unit", "per-minute", "offset", "part-name", "instrument-name", "midi-channel", "midi-program",
    "midi-unpitched", "work-title", "movement-title", "part-abbreviation", "software", "staff", "display-step",
    "display-octave",
}  # fmt: skip
_ATTRIBUTES = {  # of flags; what else they carry is not kept
    "coda", "dacapo", "dalsegno", "direction", "dynamics", "fine", "id", "measure", "number", "segno", "tempo",
    "times", "tocoda", "type",
}  # fmt: skip
_FLAGS = {
    "chord", "grace", "cue", "rest", "unpitched", "instrument", "tie", "tied", "repeat", "ending", "beat-unit-dot",
    "senza-misura", *DYNAMICS,
}  # fmt: skip
_SCOPES = {"time", "interchangeable", "transpose"}  # what attributes may hold several of, each of a staff
_MANY = {"beats": ";", "beat-type": ";", "software": " "}  # texts of which there may be several, and what joins them
_LEFT_OUT = {
    "lyric": "lyric", "harmony": "chord symbol", "figured-bass": "figured bass", "ornaments": "ornament",
    "articulations": "articulation", "wedge": "hairpin", "pedal": "pedal mark", "key": "key signature",
    "arpeggiate": "arpeggio", "glissando": "glissando", "slide": "glissando",
    "sf": "accent", "sfz": "accent", "fz": "accent", "rf": "accent", "rfz": "accent",
}  # fmt: skip


@dataclass(slots=True)
class Measure:
    """One measure of one part: its items as (element name, fields), in document order, and where it stands.

    `implicit` is an upbeat or a part of a measure, which does not count.
    """

    offset: int
    number: str
    implicit: bool = False
    items: list[tuple[str, Fields]] = field(default_factory=list)


@dataclass
class ParsedPart:
    """A part: its fields ("part-name"), its instruments by id, its measures."""

    fields: Fields = field(default_factory=dict)
    instruments: dict[str, Fields] = field(default_factory=dict)
    measures: list[Measure] = field(default_factory=list)


@dataclass
class Document:
    """A score: parts by id in document order, and the fields of its head ("work-title", "movement-title")."""

    parts: dict[str, ParsedPart] = field(default_factory=dict)
    head: Fields = field(default_factory=dict)


def parse(data: bytes, faults: Faults) -> Document:
    """The items of a MusicXML text in any encoding that expat reads.

    Raises:
        MidiError: It declares entities, is past a limit, is no MusicXML, or (when strict) is not well-formed.
    """
    reader = _Reader()
    try:
        reader.parser.Parse(data, True)
    except expat.ExpatError as error:
        at = max(0, reader.parser.ErrorByteIndex)
        faults.repaired("damaged XML", at, f"XML is not well-formed ({expat.ErrorString(error.code)})")
    except (LookupError, ValueError) as error:
        refuse(0, f"XML cannot be decoded ({error})")
    if not reader.root:
        refuse(0, "no MusicXML (expected a score-partwise or score-timewise element)")
    for kind, count in reader.left_out.items():
        faults.left_out(kind, count)
    return reader.document


def guarded() -> expat.XMLParserType:
    """A parser that refuses entities, and a document type with anything of its own in it."""
    parser = expat.ParserCreate()

    def doctype(name: str, system: str | None, public: str | None, internal: int) -> None:
        if internal:
            refuse(parser.CurrentByteIndex, "XML has a document type of its own, expected none or MusicXML's")

    def entity(*_: object) -> None:
        refuse(parser.CurrentByteIndex, "XML declares an entity, expected none")

    parser.StartDoctypeDeclHandler = doctype
    parser.EntityDeclHandler = entity
    return parser


def _suffix(tag: str, attributes: Fields, fields: Fields) -> str:
    """What is added to the names of the texts in one of several times or transpositions.

    A transposition is told by its staff. Of several times the first counts: the others are those of other staves, or
    another way to write it.
    """
    if tag == "transpose":
        return f"@{attributes['number'][:MAX_TEXT]}" if attributes.get("number") else ""
    return "@other" if tag == "interchangeable" or "beats" in fields else ""


class _Reader:
    """Expat's handlers. Character data is asked for inside wanted elements only: most of a file is white space."""

    def __init__(self) -> None:
        self.document = Document()
        self.left_out: Counter[str] = Counter()
        self.root = ""
        self.parser = guarded()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self._depth = self._elements = self._items = 0
        self._fields = self.document.head
        self._item = ""  # the name of the open item
        self._outer: list[tuple[str, Fields]] = []  # the items around it
        self._scope = ""  # what is added to the names of texts inside an element of which there may be several
        self._text: list[str] = []
        self._part = ParsedPart()
        self._measure = Measure(0, "")

    def _start(self, tag: str, attributes: Fields) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > MAX_DEPTH or self._elements > MAX_ELEMENTS or self._items > MAX_ITEMS:
            self._too_much()
        if tag in _TEXTS:
            self._text = []
            self.parser.CharacterDataHandler = self._text.append
        elif tag in _ITEMS:
            self._open(tag, attributes)
        elif tag in _FLAGS:
            self._flag(tag, attributes)
        elif tag in _SCOPES:
            self._scope = _suffix(tag, attributes, self._fields)
        elif tag in _LEFT_OUT:
            self.left_out[_LEFT_OUT[tag]] += 1
        elif tag in _STRUCTURE:
            self._structure(tag, attributes)

    def _end(self, tag: str) -> None:
        self._depth -= 1
        if tag in _TEXTS:
            self.parser.CharacterDataHandler = None
            self._keep(tag + self._scope, "".join(self._text)[:MAX_TEXT].strip(), _MANY.get(tag))
        elif tag == self._item:
            self._measure.items.append((tag, self._fields))
            self._items += 1
            self._item, self._fields = self._outer.pop() if self._outer else ("", self.document.head)
        elif tag in _SCOPES:
            self._scope = ""

    def _keep(self, name: str, text: str, join: str | None) -> None:
        """The first text of a name counts, or all of them where there may be several."""
        before = self._fields.get(name)
        if before is None:
            self._fields[name] = text
        elif join and len(before) < MAX_TEXT:
            self._fields[name] = before + join + text

    def _open(self, tag: str, attributes: Fields) -> None:
        """Begin an item, or take the attributes of a sound into the direction around it."""
        if tag == "sound":
            if not self._item:
                self._item, self._fields = tag, {}
            self._flag(tag, attributes)
        else:
            self._item, self._fields = tag, {}
            if "dynamics" in attributes:
                self._fields["dynamics"] = attributes["dynamics"][:MAX_TEXT]
            if attributes.get("print-object") == "no":
                self._fields["note@print-object"] = "no"

    def _flag(self, tag: str, attributes: Fields) -> None:
        if tag in ("tie", "tied"):  # a note may carry two, and so the type goes into the name
            tag = f"tie {attributes.get('type', '')[:MAX_TEXT]}"
        fields = self._fields
        if tag == "beat-unit-dot" and len(fields.get(tag, "")) < MAX_DOTS:
            fields[tag] = fields.get(tag, "") + "."
        fields.setdefault(tag, "")
        for name in attributes.keys() & _ATTRIBUTES:
            fields[f"{tag}@{name}"] = attributes[name][:MAX_TEXT]

    def _structure(self, tag: str, attributes: Fields) -> None:
        name = attributes.get("id", "")
        if tag == "measure":
            number, implicit = attributes.get("number", "")[:MAX_TEXT], attributes.get("implicit") == "yes"
            self._measure = Measure(self.parser.CurrentByteIndex, number, implicit)
        elif tag == "part":
            self._part = self._part_of(name)
        elif tag == "score-part":
            self._part = self._part_of(name)
            self._fields = self._part.fields
        elif tag == "midi-instrument" and self._item:  # inside a sound, in the middle of the music
            self._outer.append((self._item, self._fields))
            self._item, self._fields = tag, {"id": name[:MAX_TEXT]}
        elif tag.endswith("instrument"):
            self._fields = self._part.instruments.setdefault(name, {})
        else:
            self.root = tag
        if tag == ("measure" if self.root == "score-partwise" else "part"):
            self._measure = Measure(self.parser.CurrentByteIndex, self._measure.number, self._measure.implicit)
            self._part.measures.append(self._measure)
            self._items += 1

    def _part_of(self, name: str) -> ParsedPart:
        parts = self.document.parts
        if name not in parts and len(parts) == MAX_PARTS:
            refuse(self.parser.CurrentByteIndex, f"too many parts (expected at most {MAX_PARTS})")
        return parts.setdefault(name, ParsedPart())

    def _too_much(self) -> None:
        limit = f"{MAX_DEPTH} levels" if self._depth > MAX_DEPTH else f"{MAX_ELEMENTS:,}, {MAX_ITEMS:,} of them notes"
        refuse(self.parser.CurrentByteIndex, f"XML has too many elements (expected at most {limit})")
