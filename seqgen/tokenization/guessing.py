"""Which codec a user means who names none: by the bytes of the files of each, and of one file by its start."""

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from seqgen import registry
from seqgen.codecs import Codec, sparse
from seqgen.errors import DataError, UsageError
from seqgen.tokenization.reading import Reader
from seqgen.tokenization.selecting import is_language, is_text
from seqgen.tokenization.sniffing import nature
from seqgen.tokenization.sources import Source, archive_error, is_archive

TEXT, BYTES = "char", "byte"  # the codecs of any text, and of anything
NO_TEXT = "as nothing here is text or music: bytes are learned as they are"
NEARLY = 0.9  # of the bytes of text, from which on a language's own codec is taken


def guess_codec(sources: Sequence[Source]) -> tuple[str, str]:
    """(the codec that most bytes are for, or that its medium says suits them better; why, or "").

    Bytes vote by the suffix of their file; those of text without a known suffix vote for `char`. A language's own codec
    needs nearly all bytes of text.

    Raises:
        UsageError: Of two codecs that claim a suffix none has more bytes than the other.
    """
    codecs: dict[str, type[Codec]] = registry.usable("codecs")
    claimed = {suffix for kind in codecs.values() for suffix in kind.suffixes}
    counts, text = Counter[str](), 0
    for source in sources:
        weight = max(source.size, 1)
        counts[source.suffix] += weight if source.suffix in claimed else 0
        text += weight if source.suffix not in claimed and not nature(source) else 0
    votes = {name: sum(counts[suffix] for suffix in {*kind.suffixes}) for name, kind in codecs.items()}
    votes = _lent(votes, codecs, counts)
    votes, reason = _without_minorities(votes, codecs, text)
    best = max(votes, key=lambda name: votes[name])  # of equals the first in the alphabet
    if votes[best]:
        kind = codecs[best]
        _refuse_rivals({name: codecs[name] for name in votes if votes[name] == votes[best]}, counts)
        name, better = kind.suited(_opened(source for source in sources if source.suffix in kind.suffixes))
        return name or best, better or (reason if best == TEXT else "")
    if len(sources) == 1 and is_archive(sources[0].path):
        raise archive_error(sources[0].path)
    return (TEXT, "") if any(not nature(source) for source in sources) else (BYTES, NO_TEXT)


def _lent(votes: Mapping[str, int], codecs: Mapping[str, type[Codec]], counts: Mapping[str, int]) -> dict[str, int]:
    """Votes, those for endings that two languages share being for the one that has more bytes besides: headers of C."""
    votes = dict(votes)
    languages = {name: kind for name, kind in codecs.items() if is_language(kind)}
    for name, kind in languages.items():
        for other, rival in languages.items():
            shared = sum(counts[suffix] for suffix in {*kind.extra_suffixes} & {*rival.suffixes})
            if votes[other] - shared < votes[name]:
                votes[name], votes[other] = votes[name] + shared, votes[other] - shared
    return votes


def _without_minorities(
    votes: Mapping[str, int], codecs: Mapping[str, type[Codec]], text: int
) -> tuple[dict[str, int], str]:
    """Votes, those for a language that is not nearly all of the text being for `char`; and what to say of that."""
    votes = {**votes, TEXT: votes.get(TEXT, 0) + text}
    written = {name: votes[name] for name, kind in codecs.items() if is_text(kind) and votes[name]}
    total, reason = sum(written.values()), ""
    for name, share in written.items():
        if is_language(codecs[name]) and share < NEARLY * total:
            votes[name], votes[TEXT] = 0, votes[TEXT] + share
            if 2 * share > total:
                part = f"{100 * share / total:.0f} % of the text"
                reads = "" if codecs[name].reads_any_text() else "reads that, and "
                reason = f"as {name} is for {part} alone (-c {name} {reads}keeps to its grammar)"
    return votes, reason


def _refuse_rivals(equals: Mapping[str, type[Codec]], counts: Mapping[str, int]) -> None:
    """Raise UsageError if two of the codecs with equally many bytes claim the same of them."""
    for (one, first), (other, second) in combinations(equals.items(), 2):
        common = sorted({*first.suffixes} & {*second.suffixes} & {suffix for suffix in counts if counts[suffix]})
        if common:
            said = f"{' and '.join(common)} files are for codec {one} and for codec {other} alike"
            raise UsageError(said, f"name one of them: -c {one}, or -c {other}")


def _opened(sources: Iterable[Source]) -> Iterator[bytes]:
    """The beginnings of some files, evenly chosen, as far as they can be read."""
    for source in sparse(sources):
        with contextlib.suppress(DataError, StopIteration):
            yield next(iter(Reader(source)))
