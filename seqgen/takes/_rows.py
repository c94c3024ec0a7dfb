"""Rows of a list of takes as what they stand for, read with distrust. Knows the tables, and not who asks."""

import sqlite3

from seqgen.errors import MALFORMED, TakeError
from seqgen.takes._checking import plain_object, take_of
from seqgen.takes._database import Database
from seqgen.takes.record import OPEN, Take, TakeSource, digest, is_id, spelled

FAULTS = (sqlite3.DataError, *MALFORMED)  # what rows that make no sense raise; DataError: longer than MAX_ROW
THERE = "seqgen takes list shows those there are"


def load(base: Database, key: int, sources: dict[int, TakeSource]) -> Take:
    """The take at a key; `sources` keeps what was read of its checkpoint.

    Raises:
        TakeError: There is none, or it is damaged.
    """
    name = f"{OPEN}{key}"
    try:
        row = base.execute("SELECT * FROM takes WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise TakeError("the take was deleted just now", THERE)
        name = name_of(row)
        if row["source"] not in sources:
            sources[row["source"]] = _source(base, row["source"])
        return _take(name, row, sources[row["source"]])
    except FAULTS as error:
        raise damaged(name, error) from error


def damaged(name: str, error: Exception) -> TakeError:
    """What is told of a take whose rows make no sense."""
    return TakeError(f"take {name} is damaged: {error}", f"seqgen takes delete {name} forgets it")


def put_source(base: Database, source: TakeSource) -> int:
    """The key of a source, which is stored where it is not. Its digest proves its text, so damage is mended."""
    row = (source.hash, source.digest, spelled(source.name), spelled(source.corpus), source.text)
    base.execute(
        "INSERT INTO sources VALUES (NULL, ?, ?, ?, ?, ?) ON CONFLICT (hash, digest, name, corpus)"
        " DO UPDATE SET tokenizer = excluded.tokenizer WHERE tokenizer IS NOT excluded.tokenizer",
        row,
    )
    found = base.execute(
        "SELECT key FROM sources WHERE hash = ? AND digest = ? AND name = ? AND corpus = ?", row[:4]
    ).fetchone()
    return int(found["key"])


def name_of(row: sqlite3.Row) -> str:
    """What a take is called; one whose id is none, like one that nobody has finished."""
    return str(row["id"]) if is_id(row["id"]) else f"{OPEN}{row['key']}"


def key_of(name: str) -> int:
    """The key in the name of a take that nobody has finished, -1 where there is none."""
    number = name.removeprefix(OPEN)
    return int(number) if number.isdecimal() and len(number) < 19 else -1


def _source(base: Database, key: int) -> TakeSource:
    row = base.execute("SELECT * FROM sources WHERE key = ?", (key,)).fetchone()
    if row is None or digest(row["tokenizer"]) != row["digest"]:
        raise ValueError("its tokenizer is missing, or is not the one that it had")
    hash, name, corpus = (spelled(row[each]) for each in ("hash", "name", "corpus"))
    return TakeSource(hash, name, corpus, plain_object(row["tokenizer"]))


def _take(name: str, row: sqlite3.Row, source: TakeSource) -> Take:
    if row["id"] is not None and name != row["id"]:
        raise ValueError("its id is none")
    facts: dict[str, object] = dict(row)
    facts |= {key: plain_object(row[key]) for key in ("settings", "circumstances", "versions")}
    seed = row["seed"]
    facts["seed"] = int(seed) if isinstance(seed, str) and seed.isdecimal() and len(seed) <= 20 else seed
    facts["starred"] = {0: False, 1: True}.get(row["starred"])
    return take_of(name, facts, source, bool(row["imported"]))
