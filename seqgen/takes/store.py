"""The SQLite file that holds all takes of a user. Knows no models and no artifacts.

It lies in the user's data folder, or where SEQGEN_TAKES points; off: nothing is kept. Tables:

    sources  key, hash, digest, name, corpus, tokenizer: one row for each checkpoint and tokenizer (as JSON, whose
             SHA-256 is `digest`), as long as a take comes from it
    takes    key, id, source, …: one row for each take; `id` is NULL while it grows
    chunks   take, place, ids: its tokens, prompt first, as little-endian uint32, in pieces

Several programs may write at once: SQLite's write-ahead log keeps readers and the one writer apart, and who finds it
busy waits. Whatever SQLite complains of becomes one sentence. A take that makes no sense is told by its name, and the
others go on.
"""

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from seqgen.arguments import checked
from seqgen.errors import TakeError
from seqgen.takes import _rows
from seqgen.takes._database import Database, explained
from seqgen.takes.place import PLACE, kept, place
from seqgen.takes.record import MAX_TEXT, OPEN, Beginning, Ending, Take, TakeSource, is_base, now, unpack, versions

THERE = _rows.THERE


@dataclass(frozen=True)
class TakePart:
    """A piece of a take's tokens: `place` counts them from 0, `data` is as `pack` has it."""

    place: int
    data: bytes


class Takes:
    """A file of takes, open. Use it in a `with`, or close it.

    Args:
        path: Where; None: where the user's takes lie.
        write: Whether it is to be written; it is made where it is missing then.

    Raises:
        TakeError: It cannot be opened, is damaged, or is something else; or the user's takes are turned off.
        OutputError: Its folder cannot be made.
    """

    @checked
    def __init__(self, path: str | Path | None = None, write: bool = True) -> None:
        if path is None and not kept():
            hint = f"unset {PLACE}, or let it name a file"
            raise TakeError(f"takes are turned off, as {PLACE} is {os.environ[PLACE]!r}", hint)
        self.path = place() if path is None else Path(path)
        if "\0" in str(self.path):
            raise TakeError(f"{str(self.path)!r}: is no name of a file, as it holds a zero byte")
        if not write and not self.path.exists():
            raise TakeError(f"{self.path}: there are no takes yet", "make one with: seqgen generate CHECKPOINT")
        self._open(Database(self.path, write))

    @classmethod
    def temporary(cls) -> "Takes":
        """A list that has no file name, and is gone when it is closed or its program ends, however that ends."""
        made = cls.__new__(cls)
        made._open(Database(None, write=True))
        made.path = made._base.path
        return made

    def _open(self, base: Database) -> None:
        self._base = base
        self._sources: dict[int, TakeSource] = {}

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

    def snapshot(self) -> AbstractContextManager[None]:
        """What is read inside is of one moment, whatever others write."""
        return self._base.snapshot()

    @checked
    def begin(
        self,
        beginning: Beginning,
        created: str = "",
        made_by: dict[str, str] | None = None,
        imported: bool = False,
    ) -> int:
        """A new take, as interrupted at once; what is returned is its key. Call inside a transaction.

        Raises:
            TakeError: Its tokenizer or its settings are too long.
        """
        texts = [json.dumps(each) for each in (beginning.settings, beginning.circumstances, made_by or versions())]
        if len(beginning.source.text) > MAX_TEXT or sum(map(len, texts)) > MAX_TEXT:
            raise TakeError("a take of such a long tokenizer or settings cannot be kept", "generate with --no-take")
        source = _rows.put_source(self._base, beginning.source)
        cursor = self._base.execute(
            "INSERT INTO takes VALUES (NULL, NULL, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 'interrupted', 0, 0, ?)",
            (created or now(), source, beginning.sample, str(beginning.seed), *texts, imported),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    @checked
    def append(self, key: int, part: TakePart, ending: Ending) -> None:
        """More tokens, and how the take stands by then. Call inside a transaction.

        Raises:
            TakeError: The take was deleted.
        """
        self._stand(key, ending)
        self._base.execute("INSERT OR REPLACE INTO chunks VALUES (?, ?, ?)", (key, part.place, part.data))

    @checked
    def finish(self, key: int, base: str, ending: Ending) -> str:
        """Name a take whose tokens are all there; returns its id. Call inside a transaction.

        Raises:
            TakeError: The take was deleted.
        """
        self._stand(key, ending)
        taken = {row["id"] for row in self._base.execute("SELECT id FROM takes WHERE id GLOB ?", (f"{base}*",))}
        id = next(name for name in _names(base) if name not in taken)
        self._base.execute("UPDATE takes SET id = ? WHERE key = ?", (id, key))
        return id

    @checked
    def list(
        self,
        limit: int | None = None,
        starred: bool = False,
        left_out: Callable[[TakeError], None] | None = None,
    ) -> list[Take]:
        """Takes, the latest first.

        Args:
            limit: How many at most.
            starred: Only those with a star.
            left_out: Is told of each take that is damaged; None: the first of them is raised.
        """
        where = "WHERE starred" if starred else ""
        with explained(self.path):
            found = self._base.execute(
                f"SELECT key FROM takes {where} ORDER BY key DESC LIMIT ?", (-1 if limit is None else limit,)
            ).fetchall()
        takes = []
        for row in found:
            try:
                takes.append(self.load(row["key"]))
            except TakeError as error:
                if left_out is None:
                    raise
                left_out(error)
        return takes

    @checked
    def find(self, name: str) -> Take:
        """The take of an id, of the unambiguous beginning of one, or `last`.

        Raises:
            TakeError: There is none, there is more than one, or it is damaged.
        """
        return self.load(self.key(name))

    @checked
    def key(self, name: str) -> int:
        """The key of the take that is called so, see `find`; it may be damaged.

        Raises:
            TakeError: There is none, or more than one.
        """
        with explained(self.path):
            rows = self._matching(name)
        if name == "last" and not rows:
            raise TakeError(f"{self.path}: holds no take yet", "make one with: seqgen generate CHECKPOINT")
        if not rows:
            raise TakeError(f"no take is called {name!r}", THERE)
        if len(rows) > 1:
            raise TakeError(
                f"more than one take is called {name!r}", f"there are: {', '.join(map(_rows.name_of, rows))}"
            )
        return int(rows[0]["key"])

    @checked
    def key_in_file(self, base: str) -> int:
        """The key of the take that a file names by the digits of its fingerprint.

        A file never means another take than the one it was made from: neither `last` nor the beginning of an id. Where
        an import brought a take of the same digits, the user's own is meant.

        Raises:
            TakeError: There is none.
        """
        if is_base(base):
            with explained(self.path):
                row = self._base.execute(
                    "SELECT key FROM takes WHERE id = ? OR id GLOB ? ORDER BY imported, key", (base, f"{base}-*")
                ).fetchone()
            if row is not None:
                return int(row["key"])
        raise TakeError(f"no take is called {base!r}", THERE)

    @checked
    def load(self, key: int) -> Take:
        """The take at a key.

        Raises:
            TakeError: There is none, or it is damaged.
        """
        with explained(self.path):
            return _rows.load(self._base, key, self._sources)

    @checked
    def parts(self, take: Take) -> Iterator[TakePart]:
        """The tokens of a take, piece by piece, prompt first."""
        with explained(self.path):
            key = self._exactly(take.id)
            try:
                for row in self._base.execute("SELECT place, ids FROM chunks WHERE take = ? ORDER BY place", (key,)):
                    unpack(row["ids"])
                    yield TakePart(row["place"], row["ids"])
            except _rows.FAULTS as error:
                raise _rows.damaged(take.id, error) from error

    @checked
    def star(self, take: Take, starred: bool = True) -> None:
        """Like a take, or no longer."""
        with self.transaction():
            self.set_star(self._exactly(take.id), starred)

    @checked
    def delete(self, take: Take) -> None:
        """Forget a take for good."""
        with self.transaction():
            self.drop(self._exactly(take.id))

    @checked
    def alike(self, take: Take, latest: int) -> Iterator[Take]:
        """The takes up to the key `latest` that have the fingerprint of `take`, from the same checkpoint and tokenizer.

        Twelve digits can be the same by design: who needs to know compares the tokens. Damaged ones are passed over.
        """
        keys = self._base.execute(
            "SELECT takes.key AS key FROM takes JOIN sources ON sources.key = takes.source"
            " WHERE (id = ? OR id GLOB ?) AND hash = ? AND digest = ? AND takes.key <= ? ORDER BY takes.key",
            (take.base, f"{take.base}-*", take.beginning.source.hash, take.beginning.source.digest, latest),
        ).fetchall()
        for row in keys:
            try:
                yield self.load(row["key"])
            except TakeError:
                continue

    def latest(self) -> int:
        """The key of the latest take, 0 where there is none. Call inside a transaction."""
        return int(self._base.execute("SELECT coalesce(max(key), 0) FROM takes").fetchone()[0])

    @checked
    def set_star(self, key: int, starred: bool) -> None:
        """Like the take at a key. Call inside a transaction."""
        self._base.execute("UPDATE takes SET starred = ? WHERE key = ?", (starred, key))

    @checked
    def drop(self, key: int) -> None:
        """Forget the take at a key, and its source where no other take needs it. Call inside a transaction."""
        self._base.execute("DELETE FROM chunks WHERE take = ?", (key,))
        self._base.execute("DELETE FROM takes WHERE key = ?", (key,))
        self._base.execute("DELETE FROM sources WHERE key NOT IN (SELECT source FROM takes)")

    def _matching(self, name: str) -> Sequence[sqlite3.Row]:
        """Rows of key and id, five at most."""
        if not name.isascii():
            return []
        select = "SELECT key, id FROM takes"
        if name == "last":
            return self._base.execute(f"{select} ORDER BY key DESC LIMIT 1").fetchall()
        if name.startswith(OPEN):
            rows = self._base.execute(f"{select} WHERE key = ?", (_rows.key_of(name),)).fetchall()
            return [row for row in rows if _rows.name_of(row) == name]
        exact = self._base.execute(f"{select} WHERE id = ?", (name,)).fetchall()
        if exact or not name.replace("-", "").isalnum():
            return exact
        return self._base.execute(f"{select} WHERE id GLOB ? ORDER BY key LIMIT 5", (f"{name}*",)).fetchall()

    def _exactly(self, id: str) -> int:
        if id.startswith(OPEN):
            return _rows.key_of(id)
        row = self._base.execute("SELECT key FROM takes WHERE id = ?", (id,)).fetchone()
        return -1 if row is None else int(row["key"])

    def _stand(self, key: int, ending: Ending) -> None:
        changed = self._base.execute(
            "UPDATE takes SET prompt_tokens = ?, tokens = ?, excess = ?, finished = ?, seconds = ? WHERE key = ?",
            (ending.prompt_tokens, ending.tokens, ending.excess, ending.finished, ending.seconds, key),
        )
        if changed.rowcount != 1:
            raise TakeError("it was deleted while it grew", THERE)


def _names(base: str) -> Iterator[str]:
    """The ids that takes with one fingerprint get, one after the other."""
    return chain([base], (f"{base}-{number}" for number in count(2)))
