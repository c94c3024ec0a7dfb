"""The tables of a list of takes, of today and of earlier versions, and the way from these to today's.

A file may come from a stranger. Triggers, views, indexes on expressions and defaults run when a statement touches
them, so a file is used only where its tables are, word for word, those that a version of seqgen made.
"""

import json
import sqlite3
from functools import lru_cache

from seqgen.takes.record import digest, spelled

VERSION = 2
_CHUNKS = """
CREATE TABLE chunks (
    take INTEGER NOT NULL REFERENCES takes (key), place INTEGER NOT NULL, ids BLOB NOT NULL,
    PRIMARY KEY (take, place)
) WITHOUT ROWID;
"""
_FIRST = """
CREATE TABLE models (hash TEXT PRIMARY KEY, name TEXT NOT NULL, corpus TEXT NOT NULL, tokenizer TEXT NOT NULL);
CREATE TABLE takes (
    key INTEGER PRIMARY KEY, id TEXT UNIQUE, created TEXT NOT NULL, model TEXT NOT NULL REFERENCES models (hash),
    sample INTEGER NOT NULL, seed TEXT NOT NULL, settings TEXT NOT NULL, circumstances TEXT NOT NULL,
    versions TEXT NOT NULL, prompt_tokens INTEGER NOT NULL, tokens INTEGER NOT NULL, excess INTEGER NOT NULL,
    finished TEXT NOT NULL, seconds REAL NOT NULL, starred INTEGER NOT NULL DEFAULT 0
);
"""
# No key is given twice (AUTOINCREMENT): a take that is deleted while it grows must not go on growing in another.
_SOURCES = """
CREATE TABLE sources (
    key INTEGER PRIMARY KEY AUTOINCREMENT, hash TEXT NOT NULL, digest TEXT NOT NULL, name TEXT NOT NULL,
    corpus TEXT NOT NULL, tokenizer TEXT NOT NULL, UNIQUE (hash, digest, name, corpus)
);
"""
_TAKES = """
CREATE TABLE takes (
    key INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, created TEXT NOT NULL,
    source INTEGER NOT NULL REFERENCES sources (key), sample INTEGER NOT NULL, seed TEXT NOT NULL,
    settings TEXT NOT NULL, circumstances TEXT NOT NULL, versions TEXT NOT NULL, prompt_tokens INTEGER NOT NULL,
    tokens INTEGER NOT NULL, excess INTEGER NOT NULL, finished TEXT NOT NULL, seconds REAL NOT NULL,
    starred INTEGER NOT NULL DEFAULT 0, imported INTEGER NOT NULL DEFAULT 0
);
"""
TABLES = {1: _FIRST + _CHUNKS, VERSION: _SOURCES + _TAKES + _CHUNKS}
_KEPT = """id, created, sample, seed, settings, circumstances, versions, prompt_tokens, tokens, excess, finished,
seconds, starred"""
_STATISTICS = ("sqlite_stat1", "sqlite_stat4")  # what ANALYZE leaves: only the planner of queries reads it


def make(base: sqlite3.Connection, tables: str) -> None:
    """Make tables. Call inside a transaction."""
    for statement in tables.split(";"):
        base.execute(statement)


def foreign(base: sqlite3.Connection, version: int) -> str | None:
    """The name of something that this version of the tables does not have, or has otherwise; None: all is ours."""
    found = {row for row in _objects(base) if row[1] not in _STATISTICS or row[0] != "table"}
    other = found ^ _expected(version)
    return min(str(row[1]) for row in other) if other else None


def migrate(base: sqlite3.Connection) -> None:
    """The first version's tables become the second's. Call inside a transaction: nothing is lost, or nothing is done.

    What no take uses falls away. A take whose checkpoint is missing is kept all the same, and told as damaged.
    """
    make(base, _SOURCES)
    used = "SELECT * FROM models WHERE hash IN (SELECT model FROM takes)"
    for hash, name, corpus, tokenizer in base.execute(used).fetchall():
        text = _compact(tokenizer)
        values = (spelled(str(hash)), digest(text), spelled(str(name)), spelled(str(corpus)), text)
        base.execute("INSERT INTO sources VALUES (NULL, ?, ?, ?, ?, ?)", values)
    base.execute("CREATE TEMP TABLE earlier AS SELECT * FROM takes")
    base.execute("DROP TABLE takes")
    make(base, _TAKES)
    source = "coalesce((SELECT key FROM sources WHERE hash = model), 0)"
    base.execute(f"INSERT INTO takes (key, source, {_KEPT}) SELECT key, {source}, {_KEPT} FROM temp.earlier")
    base.execute("DROP TABLE temp.earlier")
    base.execute("DROP TABLE models")
    base.execute("DELETE FROM chunks WHERE take NOT IN (SELECT key FROM takes)")
    base.execute(f"PRAGMA user_version = {VERSION}")


def _compact(tokenizer: str) -> str:
    """As `Source.text` has it; what is damaged stays as it is."""
    try:
        return json.dumps(json.loads(tokenizer), separators=(",", ":"))
    except (ValueError, TypeError, RecursionError):
        return str(tokenizer).encode("utf-8", "replace").decode()


@lru_cache
def _expected(version: int) -> frozenset[tuple[str, ...]]:
    base = sqlite3.connect(":memory:")
    try:
        make(base, TABLES[version])
        return frozenset(_objects(base))
    finally:
        base.close()


def _objects(base: sqlite3.Connection) -> list[tuple[str, ...]]:
    """(type, name, table, statement) of all that the file defines."""
    rows = base.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    return [tuple(str(value) for value in row) for row in rows]
