"""Which files of a corpus are meant for a codec. Knows suffixes, and what a file is by its start.

A codec of text reads whatever is text; that of C reads its own, if there are any; one of music
recognises its files by their suffix alone; one without suffixes that is not for text takes everything.
"""

import mimetypes
from collections.abc import Sequence
from functools import cache

from seqgen import registry
from seqgen.codecs import Codec
from seqgen.errors import CorpusError
from seqgen.report import LeftOut, Report
from seqgen.tokenization.sniffing import BINARY, nature
from seqgen.tokenization.sources import Source, sensible_labels


@cache
def is_language(kind: type[Codec]) -> bool:
    """Whether a codec is for a language of programs."""
    return kind.grammar_over([]) is not None


@cache
def is_text(kind: type[Codec]) -> bool:
    """Whether a codec is meant for text, by the type of its files."""
    media, _ = mimetypes.MimeTypes().guess_type("x" + kind.suffix)
    return is_language(kind) or (media is not None and media.startswith("text/"))


def select(sources: Sequence[Source], codec: str) -> tuple[list[Source], Report]:
    """Those sources that are meant for a codec, and a report of those left out.

    A file that the user named is always meant.

    Raises:
        CorpusError: Nothing is left.
    """
    kind: type[Codec] = registry.load("codecs", codec)
    reasons = [_reason(source, kind, codec) if source.found else "" for source in sources]
    if is_text(kind) and (foreign := _foreign(codec)) in reasons and "" not in reasons:
        reasons = ["" if reason == foreign else reason for reason in reasons]  # no file of the language: any text
    report, chosen = Report(), []
    for source, reason in zip(sources, reasons):
        if reason:
            report.left_out.setdefault(reason, LeftOut()).count(source.name, source.size)
        else:
            chosen.append(source)
    if not chosen:
        raise _none(sources, report, kind, codec)
    return sensible_labels(chosen), report


def _reason(source: Source, kind: type[Codec], codec: str) -> str:
    """Why a file that was found in a folder is left out; "" where it is read."""
    own = {*kind.suffixes, *kind.extra_suffixes}
    if not is_text(kind):
        return _foreign(codec) if own and source.suffix not in own else ""
    found = nature(source)
    if found == BINARY or (found and not source.made):
        return found
    return "" if kind.reads_any_text() or source.suffix in own else _foreign(codec)


def _foreign(codec: str) -> str:
    return f"not for codec {codec}, by their suffix"


def _none(sources: Sequence[Source], report: Report, kind: type[Codec], codec: str) -> CorpusError:
    """Why no file is left for a codec."""
    own = f"expected {' '.join((*kind.suffixes, *kind.extra_suffixes))}" if kind.suffixes else ""
    why = ", ".join([*report.left_out, *([own] if own else [])])
    return CorpusError(f"none of the {len(sources)} files is for codec {codec} ({why})", "try another codec, or --all")
