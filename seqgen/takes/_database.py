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
from seqgen.takes import _schema

APPLICATION = 0x73716E67  # "sqng", in the header of the file
PATIENCE = 20.0  # seconds to wait for another program that writes
MAX_ROW = 8 << 20  # bytes of a row or a value: a stranger's file may hold a gigabyte in one
ELSEWHERE = "move it away, or point SEQGEN_TAKES elsewhere"


class Database:
    """A connection to the file.

    Args:
        path: Where; None: in no file that has a name, and gone when it is closed or its program ends.
        write: Whether it is to be written; it is made where it is missing then.

    Raises:
        TakeError: It cannot be opened, is damaged, or is something else.
        OutputError: Its folder cannot be made.
    """

    def __init__(self, path: Path | None, write: bool) -> None:
        self.path = Path("a list that is being imported") if path is None else path
        if path is not None and path.exists() and not path.is_file():
            raise TakeError(f"{path}: is no file", "point SEQGEN_TAKES elsewhere")
        if path is not None and write:
            make_folder(path.parent)
        self._changeable = path is None or _writable(path)
        with explained(self.path):
            self._base = _connected("" if path is None else self._address(write))
        try:
            with explained(self.path):
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
        with explained(self.path), _all_or_nothing(self._base, "BEGIN IMMEDIATE"):
            yield

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """What is read inside is of one moment, whatever others write."""
        with explained(self.path), _all_or_nothing(self._base, "BEGIN"):
            yield

    def _address(self, write: bool) -> str:
        """The file as a URI: only what is to be written may be made; what may not be written is read all the same."""
        address = self.path.absolute().as_uri()
        if write:
            return f"{address}?mode=rwc"
        return f"{address}?mode=rw" if self._changeable else f"{address}?mode=ro&immutable=1"

    def _prepare(self, write: bool) -> None:
        """Make the tables where the file is new; refuse what is no list of takes."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                if self._is_ready(write):
                    return
            except sqlite3.OperationalError as error:  # changing to the log takes no turn: it fails when busy
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
            time.sleep(0.05)

    def _is_ready(self, write: bool) -> bool:
        """Whether the tables are there; not yet where another program made or changed them just now: look again."""
        version, ours = self._marks()
        if ours and version > _schema.VERSION:
            raise TakeError(f"{self.path}: was written by a newer seqgen", "install a newer seqgen")
        if ours and version in _schema.TABLES:
            return self._is_up_to_date(version)
        if self._base.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] or not write:
            if self._marks() != (version, ours):  # another program was between one look and the next
                return False
            raise TakeError(f"{self.path}: is no list of takes", ELSEWHERE)
        self._base.execute("PRAGMA journal_mode = WAL")
        with _all_or_nothing(self._base, "BEGIN IMMEDIATE"):
            if self._pragma("user_version") == 0:  # nobody was faster
                _schema.make(self._base, _schema.TABLES[_schema.VERSION])
                self._base.execute(f"PRAGMA application_id = {APPLICATION}")
                self._base.execute(f"PRAGMA user_version = {_schema.VERSION}")
        return True

    def _is_up_to_date(self, version: int) -> bool:
        """Change an earlier version's tables for today's: in the file, or in a copy where it may not be written."""
        other = _schema.foreign(self._base, version)
        if self._pragma("user_version") != version:
            return False
        if other is not None:
            raise TakeError(f"{self.path}: {other[:80]!r} in it is not as seqgen made it", ELSEWHERE)
        if version < _schema.VERSION:
            if not self._changeable:
                self._read_a_copy()
            with _all_or_nothing(self._base, "BEGIN IMMEDIATE"):
                if self._pragma("user_version") == version:
                    _schema.migrate(self._base)
        return True

    def _read_a_copy(self) -> None:
        copy = _connected("")
        self._base.backup(copy)
        self._base.close()
        self._base = copy

    def _marks(self) -> tuple[int, bool]:
        """(version of the tables, whether they are seqgen's), in two looks: another program may write between them."""
        return self._pragma("user_version"), self._pragma("application_id") == APPLICATION

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


@contextlib.contextmanager
def _all_or_nothing(base: sqlite3.Connection, begin: str) -> Iterator[None]:
    base.execute(begin)
    try:
        yield
        base.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            base.execute("ROLLBACK")
        raise


def _connected(address: str) -> sqlite3.Connection:
    """A connection that believes nothing: no functions out of the file's own definitions, no row without an end."""
    base = sqlite3.connect(address, PATIENCE, isolation_level=None, uri=True)
    try:
        base.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_ROW)
        base.row_factory = sqlite3.Row
        base.text_factory = _text
        for setting in ("trusted_schema = OFF", "cell_size_check = ON", "synchronous = NORMAL"):
            base.execute(f"PRAGMA {setting}")
    except BaseException:
        base.close()
        raise
    return base


def _text(data: bytes) -> str:
    """Text that is no UTF-8 is the fault of one take, not of the whole list."""
    return data.decode("utf-8", "surrogateescape")


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
