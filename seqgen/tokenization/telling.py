"""What of a corpus was left out, in words: in a line where it is little, in a table where it is much."""

from collections.abc import Mapping

from seqgen.files import size
from seqgen.files.leaving import BUILT, DEPENDENCIES, EXCLUDED, HIDDEN, IGNORED, LOCKED, MINIFIED
from seqgen.report import LeftOut, Report
from seqgen.tokenization.encodings import UNKNOWN
from seqgen.tokenization.sniffing import BINARY, GENERATED

MUCH = 0.1  # of the bytes left out, from which on each reason has a line
MADE = {DEPENDENCIES, BUILT, LOCKED, MINIFIED, GENERATED, HIDDEN, IGNORED}


def told(report: Report, read: int) -> list[str]:
    """Lines about what was left out; none where that is nothing.

    Args:
        report: Says what was.
        read: Bytes that were read.
    """
    left = sorted(report.left_out.items(), key=lambda each: -each[1].bytes)
    total = sum(each.bytes for _, each in left)
    files = sum(each.files for _, each in left)
    if not files:
        return []
    share = total / max(1, total + read)
    head = f"Left out {size(total)} of {size(total + read)} ({_percent(share)}) in {_many(files)}"
    if share <= MUCH:
        return [f"{head}: {', '.join(f'{reason} ({each.files:,})' for reason, each in left)}.{_hint(dict(left))}"]
    return [f"{head}:", *(_line(reason, each) for reason, each in left), *_hints(dict(left))]


def strange(report: Report) -> list[str]:
    """A line about bytes of text that are no UTF-8; none where all are."""
    if not report.strange:
        return []
    known = [name for name, _ in report.strange.most_common() if name != UNKNOWN]
    likely = f", likely {' and '.join(known)}" if known else ""
    hint = "--encoding auto reads each file in its own" if known else "--encoding names what they are in"
    many = sum(report.strange.values())
    return [f"{many:,} byte{' is' if many == 1 else 's are'} no UTF-8{likely}, and stay as they are; {hint}."]


def _line(reason: str, left: LeftOut) -> str:
    named = left.names[0] + (" …" if left.files > 1 else "") if left.names else ""
    return f"  {size(left.bytes):>8}  {reason}, {_many(left.files)}: {named}"


def _hints(left: Mapping[str, LeftOut]) -> list[str]:
    hint = _hint(left).strip()
    return [f"  {hint}"] if hint else []


def _hint(left: Mapping[str, LeftOut]) -> str:
    """How to have what was left out, where an option has it."""
    said = [" --all reads what is hidden or made by a tool."] if left.keys() & MADE else []
    said += [" -c char reads any text."] if left.keys() - {*MADE, BINARY, EXCLUDED} else []
    return "".join(said)


def _percent(share: float) -> str:
    return "less than 1 %" if share < 0.005 else f"{100 * share:.0f} %"


def _many(files: int) -> str:
    return f"{files:,} file{'' if files == 1 else 's'}"
