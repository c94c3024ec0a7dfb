"""Records of tables → documents: rows of CSV and TSV, objects of JSON Lines and JSON, rows of Parquet. Knows no codecs.

A record's text is one of its fields, its label another. Files are read in pieces, so a table may be larger than memory;
of JSON that is one array, and of Parquet's columns, a part is in memory at a time.
"""

import csv
import io
import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from seqgen import registry
from seqgen.documents import Documents
from seqgen.errors import CorpusError, UsageError
from seqgen.files import size
from seqgen.tokenization.cutting import MAX_WHOLE, Items, items
from seqgen.tokenization.reading import Reader
from seqgen.tokenization.sources import Source

SEPARATED, LINES, ARRAY, PARQUET = (".csv", ".tsv", ".tab"), (".jsonl", ".ndjson"), (".json",), (".parquet", ".pq")
SUFFIXES = (*SEPARATED, *LINES, *ARRAY, *PARQUET)
DELIMITERS = ",;\t|"
TOGETHER = 4096  # records handed on at once
NO_TEXT = "records without text"
WHERE = "--field takes the name of a column"


class Record(NamedTuple):
    """The text of a record and its label; None: it has none."""

    text: bytes | None
    label: str | None


def is_table(source: Source) -> bool:
    """Whether a file is a table, by its name."""
    return source.suffix in SUFFIXES


def documents(source: Source, reader: Reader, cut: Documents, dropped: Counter[str]) -> Iterator[Items]:
    """The documents of one file, some at a time; what is no table is cut as the items are that seqgen writes.

    Args:
        source: The file.
        reader: Its bytes; read to its end.
        cut: Which fields are text and label.
        dropped: Counts records that have no text.

    Raises:
        CorpusError: There is no such field, or a record is none; the message names its line.
    """
    if not is_table(source):
        yield from items(Documents("line" if cut.joint == b"\n" else "blank"), iter(reader))
        return
    found = parquet(source.path, cut) if source.suffix in PARQUET else _written(source, iter(reader), cut)
    while some := list(itertools.islice(found, TOGETHER)):
        full = [record for record in some if record.text and not record.text.isspace()]
        if len(full) < len(some):
            dropped[NO_TEXT] += len(some) - len(full)
        if full:
            yield Items([record.text or b"" for record in full], [record.label for record in full])
    for _ in reader if source.suffix in PARQUET else ():  # for its hash
        pass


def _written(source: Source, pieces: Iterator[bytes], cut: Documents) -> Iterator[Record]:
    """Records of a file of text."""
    if source.suffix in SEPARATED:
        return separated(text_of(pieces), source.suffix, cut)
    start = next(pieces, b"")
    pieces = itertools.chain([start], pieces)
    array = source.suffix in ARRAY and not one_a_line(start)
    return objects(_whole(pieces) if array else _lines(pieces), cut)


# --- CSV and TSV ---


def separated(text: io.TextIOBase, suffix: str, cut: Documents) -> Iterator[Record]:
    """Records of CSV (RFC 4180, the separator being that of the header) or TSV (tabs; quotes only around a field)."""
    found = rows(text, suffix, cut.field)
    names = next(found, [])
    _check_names(names, cut)
    places = [names.index(name) for name in (cut.field, *([cut.label] if cut.label else []))]
    for number, row in enumerate(found, 2):
        if not row:
            continue
        if len(row) <= max(places):
            fields = "1 field" if len(row) == 1 else f"{len(row)} fields"
            raise CorpusError(f"record {number} has {fields}, expected {len(names)}", "is a quote missing?")
        yield _record(row[places[0]], row[places[1]] if cut.label else None)


def rows(text: io.TextIOBase, suffix: str, field: str) -> Iterator[list[str]]:
    """The rows of a table, the names of its columns first."""
    csv.field_size_limit(MAX_WHOLE)
    header = text.readline().lstrip("\ufeff")
    delimiter = "\t" if suffix != ".csv" else _delimiter(header, field)
    lines: Iterator[str] = itertools.chain([header], text)
    plain = suffix != ".csv"
    quoting: Literal[0, 3] = csv.QUOTE_NONE if plain else csv.QUOTE_MINIMAL
    reader = csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=True)
    try:
        for row in reader:
            yield [_unquoted(value) for value in row] if plain else row
    except csv.Error as error:
        raise CorpusError(f"line {reader.line_num} is no row of a table ({error})") from error


def _delimiter(header: str, field: str) -> str:
    """What parts a CSV file's columns: what makes the wanted one a column, else what makes the most."""
    found = {each: next(csv.reader([header], delimiter=each), []) for each in DELIMITERS}
    return max(DELIMITERS, key=lambda each: (field in found[each], len(found[each])))


def _unquoted(value: str) -> str:
    return value[1:-1].replace('""', '"') if len(value) > 1 and value[0] == value[-1] == '"' else value


class _Pieces(io.RawIOBase):
    """Pieces of bytes as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """As many bytes as there are at once; 0 at the end."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


def text_of(pieces: Iterator[bytes]) -> io.TextIOWrapper:
    """Pieces as lines of text, whose bytes come back by the same error handler."""
    return io.TextIOWrapper(io.BufferedReader(_Pieces(pieces), 1 << 16), "utf-8", "surrogateescape", newline="")


# --- JSON ---


def objects(found: Iterable[tuple[str, Any]], cut: Documents) -> Iterator[Record]:
    """Records of (where it stands, an object of JSON)."""
    known = held = False
    for where, value in found:
        if not isinstance(value, Mapping):
            raise CorpusError(f"{where} is no JSON object", "expected one object a line, or an array of objects")
        text = _inner(value, cut.field)
        if not known and text is None and cut.field.split(".")[0] not in value:
            _check_names(list(value), cut)
        known, held = True, held or text is not None
        label = _inner(value, cut.label) if cut.label else None
        for name, each in ((cut.field, text), (cut.label, label)):
            if isinstance(each, list | Mapping):
                kind = "a list" if isinstance(each, list) else "an object"
                raise CorpusError(f"{where}: field {name!r} is {kind}, expected text", f"{WHERE}, as in meta.title")
        yield _record(_plain(text), _plain(label))
    if known and not held:
        raise CorpusError(f"has no text in the field {cut.field!r}", f"{WHERE}, as in meta.title")


def _inner(value: Mapping[str, Any], name: str) -> Any:
    """A field; a.b is the field b of the object a, unless there is a field of that very name."""
    if name in value or "." not in name:
        return value.get(name)
    first, _, rest = name.partition(".")
    inner = value.get(first)
    return _inner(inner, rest) if isinstance(inner, Mapping) else None


def _plain(value: Any) -> str | None:
    """A value as text: numbers as JSON writes them."""
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _lines(pieces: Iterator[bytes]) -> Iterator[tuple[str, Any]]:
    """(where, value) of each line that is not blank."""
    for number, line in enumerate(text_of(pieces), 1):
        if line.strip("\ufeff \t\r\n"):
            yield f"line {number}", _value(line.strip("\ufeff\r\n"), f"line {number}")


def _whole(pieces: Iterator[bytes]) -> Iterator[tuple[str, Any]]:
    """(where, value) of each item of an array."""
    gathered = bytearray()
    for piece in pieces:
        gathered += piece
        if len(gathered) > MAX_WHOLE:
            raise CorpusError(f"is an array of more than {size(MAX_WHOLE)}", "make it one object a line: .jsonl")
    found = _value(gathered.decode("utf-8", "surrogateescape").lstrip("\ufeff"), "the file")
    for number, value in enumerate(found if isinstance(found, list) else [found], 1):
        yield f"record {number}", value


def _value(text: str, where: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_each_once)
    except RecursionError as error:
        raise CorpusError(f"{where} is nested too deeply") from error
    except json.JSONDecodeError as error:
        place = f"{where}, character {error.colno}" if error.lineno == 1 else f"line {error.lineno}"
        raise CorpusError(f"{where} is no JSON ({error.msg}: {place})", "expected one object a line") from error
    except ValueError as error:  # two fields of a name; a number of more digits than can be read
        raise CorpusError(f"{where}: {error}") from error


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise ValueError(f"two fields are called {twice!r}")
    return found


def one_a_line(start: bytes) -> bool:
    """Whether a .json file is JSON Lines: its first line is an object."""
    line = start.lstrip(b"\xef\xbb\xbf \t\r\n").split(b"\n")[0]
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


# --- Parquet ---


def parquet(path: Path, cut: Documents) -> Iterator[Record]:
    """Records of a Parquet file.

    Raises:
        UsageError: pyarrow is not installed.
        CorpusError: It is damaged, or has no such column.
    """
    file = parquet_file(path)
    names = [str(name) for name in file.schema_arrow.names]
    _check_names(names, cut)
    wanted = [cut.field, *([cut.label] if cut.label else [])]
    try:
        for batch in file.iter_batches(TOGETHER, columns=wanted):
            texts = [_cell(value, cut.field) for value in batch.column(cut.field).to_pylist()]
            labels = [_cell(value, cut.label) for value in batch.column(cut.label).to_pylist()] if cut.label else texts
            for text, label in zip(texts, labels):
                yield _record(text, label if cut.label else None)
    except (OSError, ValueError) as error:
        raise CorpusError(f"is a damaged Parquet file ({error})") from error


def _cell(value: Any, name: str) -> str | None:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, list | dict):
        raise CorpusError(f"column {name!r} holds lists or objects, expected text", WHERE)
    return None if value is None else str(value)


def parquet_file(path: Path) -> Any:
    try:
        from pyarrow import parquet as library
    except ImportError:
        raise UsageError(f"{path}: Parquet needs pyarrow", "pip install 'seqgen-art[tables]'") from None
    try:
        return library.ParquetFile(path)
    except (OSError, ValueError) as error:
        raise CorpusError(f"is no Parquet file, or a damaged one ({error})") from error


# --- all ---


def _check_names(names: Sequence[str], cut: Documents) -> None:
    """Refuse a table without the fields, or with two of a name."""
    for name in (cut.field, cut.label):
        if name and names.count(name) > 1:
            raise CorpusError(f"two columns are called {name!r}", "rename one of them")
        if name and name not in names:
            shown = registry.nearest(name, names) if names else "it has no columns"
            raise CorpusError(f"has no field {name!r}", shown)


def _record(text: str | None, label: str | None) -> Record:
    return Record(None if text is None else _bytes(text), label or None)


def _bytes(text: str) -> bytes:
    """As UTF-8; bytes that were none come back, a surrogate that JSON spelled becomes a question mark."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")
