"""One SQLite file that several programs may write at once: opened, checked, locked. Knows no takes but their tables.

SQLite's write-ahead log keeps readers and the one writer apart; who finds it busy waits. Whatever SQLite complains of
becomes one sentence.
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from seqgen.errors import MALFORMED, TakeError
from seqgen.files import make_folder

VERSION = 1
APPLICATION = 0x73716E67  # "sqng", in the header of the file
PATIENCE = 20.0  # seconds to wait for another program that writes


class Database:
    """A connection to the file.

    Args:
        path: Where.
        tables: The statements that make its tables.
        write: Whether it is to be written; it is made where it is missing then.

    Raises:
        TakeError: It cannot be opened, is damaged, or is something else.
        OutputError: Its folder cannot be made.
    """

    def __init__(self, path: Path, tables: str, write: bool) -> None:
        self.path, self.tables = path, tables
        if write:
            make_folder(path.parent)
        with explained(path):
            self._base = sqlite3.connect(self._address(write), PATIENCE, isolation_level=None, uri=True)
        try:
            with explained(path):
                self._base.row_factory = sqlite3.Row
                self._base.execute("PRAGMA synchronous = NORMAL")
                self._prepare(write)
        except BaseException:
            self._base.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        with explained(self.path):
            self._base.close()

    def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        return self._base.execute(statement, values)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what is written inside; waits for its turn."""
        with explained(self.path):
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._base.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._base.execute("ROLLBACK")
                raise

    def _address(self, write: bool) -> str:
        """The file as a URI: only what is to be written may be made; what may not be written is read all the same."""
        address = self.path.absolute().as_uri()
        if write:
            return f"{address}?mode=rwc"
        return f"{address}?mode=rw" if _writable(self.path) else f"{address}?mode=ro&immutable=1"

    def _prepare(self, write: bool) -> None:
        """Make the tables where the file is new; refuse what is no list of takes."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self._check(write)
                return
            except sqlite3.OperationalError as error:  # changing to the log takes no turn: it fails when busy
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def _check(self, write: bool) -> None:
        version, application = self._pragma("user_version"), self._pragma("application_id")
        if version > VERSION and application == APPLICATION:
            raise TakeError(f"{self.path}: was written by a newer seqgen", "install a newer seqgen")
        if application == APPLICATION and version == VERSION:
            return
        if self._base.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] or not write:
            hint = "move it away, or point SEQGEN_TAKES elsewhere"
            raise TakeError(f"{self.path}: is no list of takes", hint)
        self._base.execute("PRAGMA journal_mode = WAL")
        self._base.execute("BEGIN IMMEDIATE")
        try:
            if self._pragma("user_version") == 0:  # nobody was faster
                for statement in self.tables.split(";"):
                    self._base.execute(statement)
                self._base.execute(f"PRAGMA application_id = {APPLICATION}")
                self._base.execute(f"PRAGMA user_version = {VERSION}")
        finally:
            self._base.execute("COMMIT")

    def _pragma(self, name: str) -> int:
        return int(self._base.execute(f"PRAGMA {name}").fetchone()[0])


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite complains of into one sentence; values that make no sense are damage as well."""
    try:
        yield
    except sqlite3.OperationalError as error:
        hint = "point SEQGEN_TAKES elsewhere, or generate with --no-take"
        if "locked" in str(error):
            hint = "another program holds it; try again when it has ended"
        raise TakeError(f"{path}: the list of takes cannot be used ({error})", hint) from error
    except (sqlite3.Error, *MALFORMED) as error:
        hint = "move it away, and the next take begins a new one"
        raise TakeError(f"{path}: the list of takes is damaged, or is none ({error})", hint) from error


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
