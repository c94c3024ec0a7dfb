"""The SQLite file that holds all takes of a user. Knows no models and no artifacts.

It lies in the user's data folder, or where SEQGEN_TAKES points. Tables:

    models   hash (key), name, corpus, tokenizer: one row for each checkpoint, its tokenizer as JSON
    takes    key, id, model, …: one row for each take; `id` is NULL while it grows
    chunks   take, place, ids: its tokens, prompt first, as little-endian uint32, in pieces

Several programs may write at once: SQLite's write-ahead log keeps readers and the one writer apart, and who finds it
busy waits. Whatever SQLite complains of becomes one sentence.
"""

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from seqgen.errors import TakeError
from seqgen.takes._database import Database, explained
from seqgen.takes.record import Beginning, Ending, Source, Take, now, unpack, versions

FILE = "takes.sqlite"
OPEN = "open-"  # before the key of a take that nobody has finished, because its program was killed
TABLES = """
CREATE TABLE models (hash TEXT PRIMARY KEY, name TEXT NOT NULL, corpus TEXT NOT NULL, tokenizer TEXT NOT NULL);
CREATE TABLE takes (
    key INTEGER PRIMARY KEY, id TEXT UNIQUE, created TEXT NOT NULL, model TEXT NOT NULL REFERENCES models (hash),
    sample INTEGER NOT NULL, seed TEXT NOT NULL, settings TEXT NOT NULL, circumstances TEXT NOT NULL,
    versions TEXT NOT NULL, prompt_tokens INTEGER NOT NULL, tokens INTEGER NOT NULL, excess INTEGER NOT NULL,
    finished TEXT NOT NULL, seconds REAL NOT NULL, starred INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE chunks (
    take INTEGER NOT NULL REFERENCES takes (key), place INTEGER NOT NULL, ids BLOB NOT NULL,
    PRIMARY KEY (take, place)
) WITHOUT ROWID;
"""
SELECT = """
SELECT takes.*, models.name AS name, models.corpus AS corpus, models.tokenizer AS tokenizer
FROM takes JOIN models ON models.hash = takes.model
"""


@dataclass(frozen=True)
class Part:
    """A piece of a take's tokens: `place` counts them from 0, `data` is as `pack` has it."""

    place: int
    data: bytes


def place() -> Path:
    """Where the takes of this user lie."""
    given = os.environ.get("SEQGEN_TAKES")
    if given:
        path = Path(given).expanduser()
        return path / FILE if path.is_dir() or given.endswith(("/", os.sep)) else path
    import platformdirs

    return Path(platformdirs.user_data_dir("seqgen", appauthor=False)) / FILE


class Takes:
    """A file of takes, open. Use it in a `with`, or close it.

    Args:
        path: Where; None: where the user's takes lie.
        write: Whether it is to be written; it is made where it is missing then.

    Raises:
        TakeError: It cannot be opened, is damaged, or is something else.
        OutputError: Its folder cannot be made.
    """

    def __init__(self, path: str | Path | None = None, write: bool = True) -> None:
        self.path = place() if path is None else Path(path)
        if not write and not self.path.exists():
            raise TakeError(f"{self.path}: there are no takes yet", "make one with: seqgen generate CHECKPOINT")
        self._base = Database(self.path, TABLES, write)

    def __enter__(self) -> "Takes":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing of what is written inside; waits for its turn."""
        return self._base.transaction()

    def begin(self, beginning: Beginning, created: str = "", made_by: dict[str, str] | None = None) -> int:
        """A new take, as interrupted at once; what is returned is its key. Call inside a transaction."""
        source = beginning.source
        self._base.execute(
            "INSERT INTO models VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (source.hash, source.name, source.corpus, json.dumps(source.tokenizer)),
        )
        cursor = self._base.execute(
            "INSERT INTO takes VALUES (NULL, NULL, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 'interrupted', 0, 0)",
            (created or now(), source.hash, beginning.sample, str(beginning.seed), json.dumps(beginning.settings),
             json.dumps(beginning.circumstances), json.dumps(made_by or versions())),
        )  # fmt: skip
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def append(self, key: int, part: Part, ending: Ending) -> None:
        """More tokens, and how the take stands by then. Call inside a transaction."""
        self._base.execute("INSERT OR REPLACE INTO chunks VALUES (?, ?, ?)", (key, part.place, part.data))
        self._stand(key, ending)

    def finish(self, key: int, base: str, ending: Ending) -> str:
        """Name a take whose tokens are all there; returns its id. Call inside a transaction."""
        self._stand(key, ending)
        taken = {row["id"] for row in self._base.execute("SELECT id FROM takes WHERE id GLOB ?", (f"{base}*",))}
        id = next(name for name in _names(base) if name not in taken)
        self._base.execute("UPDATE takes SET id = ? WHERE key = ?", (id, key))
        return id

    def list(self, limit: int | None = None, starred: bool = False) -> list[Take]:
        """Takes, the latest first."""
        where = "WHERE starred" if starred else ""
        with explained(self.path):
            rows = self._base.execute(f"{SELECT} {where} ORDER BY key DESC LIMIT ?", (-1 if limit is None else limit,))
            return [_take(row) for row in rows]

    def find(self, name: str) -> Take:
        """The take of an id, of the unambiguous beginning of one, or `last`.

        Raises:
            TakeError: There is none, or more than one.
        """
        if name == "last":
            found = self.list(1)
            if not found:
                raise TakeError(f"{self.path}: holds no take yet", "make one with: seqgen generate CHECKPOINT")
            return found[0]
        with explained(self.path):
            rows = self._matching(name)
            if len(rows) == 1:
                return _take(rows[0])
        if not rows:
            raise TakeError(f"no take is called {name!r}", "seqgen takes list shows those there are")
        raise TakeError(f"more than one take is called {name!r}", f"there are: {', '.join(row['id'] for row in rows)}")

    def parts(self, take: Take) -> Iterator[Part]:
        """The tokens of a take, piece by piece, prompt first."""
        with explained(self.path):
            key = self._key(take.id)
            for row in self._base.execute("SELECT place, ids FROM chunks WHERE take = ? ORDER BY place", (key,)):
                unpack(row["ids"])
                yield Part(row["place"], row["ids"])

    def star(self, take: Take, starred: bool = True) -> None:
        """Like a take, or no longer."""
        with self.transaction():
            self.set_star(self._key(take.id), starred)

    def delete(self, take: Take) -> None:
        """Forget a take for good."""
        with self.transaction():
            self.drop(self._key(take.id))

    def knows(self, id: str) -> bool:
        """Whether there is a take of exactly this id."""
        return self._key(id) >= 0

    def set_star(self, key: int, starred: bool) -> None:
        """Like the take at a key. Call inside a transaction."""
        self._base.execute("UPDATE takes SET starred = ? WHERE key = ?", (starred, key))

    def drop(self, key: int) -> None:
        """Forget the take at a key. Call inside a transaction."""
        self._base.execute("DELETE FROM chunks WHERE take = ?", (key,))
        self._base.execute("DELETE FROM takes WHERE key = ?", (key,))

    def _matching(self, name: str) -> Sequence[sqlite3.Row]:
        if name.startswith(OPEN):
            return self._base.execute(f"{SELECT} WHERE key = ? AND id IS NULL", (self._key(name),)).fetchall()
        exact = self._base.execute(f"{SELECT} WHERE id = ?", (name,)).fetchall()
        if exact or not name.replace("-", "").isalnum():
            return exact
        return self._base.execute(f"{SELECT} WHERE id GLOB ? ORDER BY key LIMIT 5", (f"{name}*",)).fetchall()

    def _key(self, id: str) -> int:
        if id.startswith(OPEN):
            number = id.removeprefix(OPEN)
            return int(number) if number.isdecimal() and len(number) < 19 else -1
        row = self._base.execute("SELECT key FROM takes WHERE id = ?", (id,)).fetchone()
        return -1 if row is None else int(row["key"])

    def _stand(self, key: int, ending: Ending) -> None:
        self._base.execute(
            "UPDATE takes SET prompt_tokens = ?, tokens = ?, excess = ?, finished = ?, seconds = ? WHERE key = ?",
            (ending.prompt_tokens, ending.tokens, ending.excess, ending.finished, ending.seconds, key),
        )


def _names(base: str) -> Iterator[str]:
    """The ids that takes with one fingerprint get, one after the other."""
    return chain([base], (f"{base}-{number}" for number in count(2)))


def _take(row: sqlite3.Row) -> Take:
    """A row of SELECT. Raises ValueError, TypeError or KeyError where it makes no sense."""
    source = Source(row["model"], row["name"], row["corpus"], json.loads(row["tokenizer"]))
    settings, circumstances, made_by = (json.loads(row[key]) for key in ("settings", "circumstances", "versions"))
    if not all(isinstance(each, dict) for each in (source.tokenizer, settings, circumstances, made_by)):
        raise ValueError("settings that are no object")
    beginning = Beginning(source, int(row["sample"]), int(row["seed"]), settings, circumstances)
    prompt_tokens, tokens, excess = (int(row[key]) for key in ("prompt_tokens", "tokens", "excess"))
    ending = Ending(str(row["finished"]), prompt_tokens, tokens, excess, float(row["seconds"]))
    id = f"{OPEN}{row['key']}" if row["id"] is None else str(row["id"])
    return Take(id, str(row["created"]), beginning, ending, made_by, bool(row["starred"]))
