"""An ABC tune book into its tunes. Knows where tunes begin, and nothing of music."""

import re

from seqgen.music.faults import refuse

MAX_TUNES = 100_000
MAX_HEAD = 4096  # bytes of a book's head
MAX_HEADS = 8, 1 << 16  # of all its tunes' heads together: so many times the book's bytes, and so many more

TUNE = re.compile(rb"(?:^|(?<=[\r\n]))X:")
_COMMON = re.compile(rb"[MLQIUm]:|%%(?!text|begin|center)")  # lines of a book's head that matter to its tunes


def split_abc(data: bytes) -> list[bytes]:
    """The tunes of a book, each with those lines of the book's head that set meter, unit length, tempo or the like.

    Raises:
        MidiError: There are more than MAX_TUNES.
    """
    starts = [match.start() for match in TUNE.finditer(data)]
    if not starts:
        return [data]
    if len(starts) > MAX_TUNES:
        refuse(starts[MAX_TUNES], f"book has too many tunes (expected at most {MAX_TUNES:,}, found {len(starts):,})")
    lines = re.split(rb"\r\n|\r|\n", data[: starts[0]].removeprefix(b"\xef\xbb\xbf"))
    head = b"".join(line + b"\n" for line in lines if _COMMON.match(line))
    times, more = MAX_HEADS
    head = head if len(head) <= MAX_HEAD and len(head) * len(starts) <= times * len(data) + more else b""
    return [head + data[start:end] for start, end in zip(starts, [*starts[1:], len(data)])]
