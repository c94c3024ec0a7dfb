"""One bad file in twenty: tokenizing completes, and the report gives each bad file with its reason, and no other."""

from pathlib import Path
from random import Random

from seqgen.selftest import Tally, _materials
from seqgen.stream import TokenStream

TITLE = "bad files among good ones: completes, exact reasons"
QUICK, LONG = 600, 10_000
SHARE = 20  # one file in so many is bad


def run(tally: Tally, count: int, random: Random, folder: Path) -> None:
    """`count` files of music."""
    bad: dict[str, str] = {}
    kinds = _bad(random)
    (folder / "songs").mkdir()
    for index in range(count):
        path = folder / "songs" / f"{index:05d}.mid"
        if index % SHARE == SHARE // 2:
            reason, data = kinds[index // SHARE % len(kinds)]
            bad[f"songs/{path.name}"] = reason
        else:
            data = _materials.midi(random, 4)
        path.write_bytes(data)
    code, said = _materials.tokenized(folder / "songs", folder / "songs.tokens", "midi")
    tally.case(code == 0, f"tokenize failed: {said[-300:]}")
    report = TokenStream.open(folder / "songs.tokens").report if code == 0 else None
    skipped = report.skipped if report else {}
    for name, reason in bad.items():
        tally.case(reason in skipped.get(name, ""), f"{name}: {skipped.get(name)!r}, expected {reason!r}")
    extra = sorted(set(skipped) - set(bad))
    tally.case(not extra, f"good files were left out: {extra[:3]}")
    tally.facts |= {"files": count, "bad": len(bad)}


def _bad(random: Random) -> list[tuple[str, bytes]]:
    """(a part of the reason, a file that cannot be read at all)."""
    song = _materials.midi(random, 4)
    return [
        ("is empty", b""),
        ("no file of music", b"not music at all"),
        ("no file of music", b"\x89PNG\r\n\x1a\n" + bytes(50)),
        ("file has no track", song[:14]),
        ("no MIDI header", song[:9]),
    ]
