"""What tables among some files hold: the fields that `--field` and `--label-field` take."""

from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TypedDict

from seqgen.jobs.describe.code import evenly
from seqgen.tokenization.columns import columns
from seqgen.tokenization.reading import Reader
from seqgen.tokenization.records import PARQUET, is_table
from seqgen.tokenization.sources import Source


class TableFacts(TypedDict):
    """The tables among some files.

    Attributes:
        files: How many of those that were looked into have fields.
        fields: Field → how many of them have it, the most frequent first.
        unread: How many are of Parquet, for which no reader is installed.
    """

    files: int
    fields: dict[str, int]
    unread: int


def describe_tables(sources: Sequence[Source]) -> TableFacts | None:
    """The fields of CSV, TSV, JSON Lines, arrays of JSON objects and Parquet; None where there are none.

    Args:
        sources: Files of any kind; at most LOOKED_INTO of the tables are looked into, taken evenly.
    """
    tables = evenly([source for source in sources if is_table(source)])
    fields, files = Counter[str](), 0
    for source in tables:
        names = columns(source, Reader(source, text=source.suffix not in PARQUET))
        fields.update(dict.fromkeys(names, 1))
        files += bool(names)
    closed = sum(source.suffix in PARQUET for source in tables) if find_spec("pyarrow") is None else 0
    return {"files": files, "fields": dict(fields.most_common()), "unread": closed} if files or closed else None
