"""The names of a table's columns, from its first record: what `--field` may take. Knows no codecs."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from seqgen.errors import CorpusError, UsageError
from seqgen.tokenization import records
from seqgen.tokenization.sources import Source


def columns(source: Source, pieces: Iterable[bytes]) -> list[str]:
    """The names of a table's columns, as far as its first record tells; none where it cannot be read."""
    try:
        if source.suffix in records.PARQUET:
            return [str(name) for name in records.parquet_file(source.path).schema_arrow.names]
        if source.suffix in records.SEPARATED:
            return next(records.rows(records.text_of(iter(pieces)), source.suffix, ""), [])
        text = next(iter(pieces), b"").decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
        several = "\n" in text.strip() and records.one_a_line(text.encode())
        if source.suffix in records.ARRAY and not (text.startswith("[") or several):
            return []  # one object, such as settings are
        found, _ = json.JSONDecoder().raw_decode(text.lstrip("[ \t\r\n"))
        return list(_fields(found)) if isinstance(found, dict) else []
    except (CorpusError, UsageError, ValueError, RecursionError, csv.Error):
        return []


def _fields(value: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """The names of an object's fields that may hold text, those of objects in it as a.b."""
    for name, each in value.items():
        if isinstance(each, Mapping):
            yield from _fields(each, f"{before}{name}.")
        elif not isinstance(each, list):
            yield before + name
