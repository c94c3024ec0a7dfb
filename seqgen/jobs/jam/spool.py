"""The file of a session, which grows while it plays: where it is cut off, the next session finds all of it.

Rows of notes, or lines, go to a hidden file beside the one that they are to become.
"""

import contextlib
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from seqgen.errors import SeqgenError
from seqgen.files import make_folder, write_bytes
from seqgen.files.growing import Growing, left_behind
from seqgen.live.recording import Kept, score_of
from seqgen.music.write import write_score

NOTES, LINES = ".notes", ".lines"
INTERVAL = 1.0  # seconds between two writes
Make = Callable[[bytes], bytes]


def _music(rows: bytes) -> bytes:
    score = score_of(rows)
    return write_score(score) if len(score) else b""


MADE: dict[str, Make] = {NOTES: _music, LINES: lambda lines: lines}  # nothing where there is nothing in it


class Spool:
    """What a session leaves.

    Args:
        folder: Where; None: nothing is kept.
        suffix: Of the file that it becomes.
        kind: NOTES or LINES.
        kept: What is kept.
        dropped: What is emptied with it, and goes nowhere.
        complain: Is told why nothing is kept, once.
    """

    def __init__(
        self,
        folder: Path | None,
        suffix: str,
        kind: str,
        kept: Kept,
        dropped: Sequence[Kept],
        complain: Callable[[str], object],
    ) -> None:
        self._folder, self._suffix, self._kind = folder, suffix, kind
        self._kept, self._dropped, self._complain = kept, dropped, complain
        self._file: Growing | None = None
        self._path = Path()
        self._looked = time.monotonic()

    def drain(self, soon: bool = False) -> None:
        """Take over what there is, now and then."""
        now = time.monotonic()
        if now - self._looked < INTERVAL and not soon:
            return
        self._looked = now
        for each in self._dropped:
            each.taken()
        data = self._kept.taken()
        if self._folder is None or not data:
            return
        try:
            if self._file is None:
                self._path = _free(make_folder(self._folder), self._suffix)
                self._file = Growing(self._path.with_name(f".{self._path.name}{self._kind}"))
            self._file.append(data)
        except SeqgenError as error:  # the music goes on
            self._folder = None
            self._complain(f"This session is not kept any more: {error.message}")

    def finish(self, now: float, tempo: float) -> Path | None:
        """The file; None where there is none.

        Raises:
            OutputError: It cannot be written; what was to become of it stays beside its place.
        """
        self._kept.end(now, tempo)
        self.drain(soon=True)
        if self._file is None:
            return None
        made = MADE[self._kind](self._file.read())
        if made:
            write_bytes(self._path, made)
        self._file.remove()
        return self._path if made else None


def recover(folder: Path, note: Callable[[str], object]) -> None:
    """Make files of what sessions left behind that were cut off."""
    for kind, make in MADE.items():
        for path in sorted(folder.glob(f".*{kind}")):
            target = path.with_name(path.name.removeprefix(".").removesuffix(kind))
            with contextlib.suppress(OSError, SeqgenError), left_behind(path) as data:
                made = make(data) if data is not None and not target.exists() else b""
                if made:
                    write_bytes(target, made)
                    note(f"Wrote {target}, of a session that was cut off")


def _free(folder: Path, suffix: str) -> Path:
    """A name that nothing has, of the time that it is."""
    name, number = datetime.now().strftime("%Y-%m-%dT%H-%M-%S"), 1
    while True:
        path = folder / f"{name}{'' if number == 1 else f'-{number}'}{suffix}"
        if not path.exists() and not any(path.with_name(f".{path.name}{kind}").exists() for kind in MADE):
            return path
        number += 1
