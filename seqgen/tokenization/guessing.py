"""Which codec a user means who names none: by the suffixes of the files, and of one file by its start."""

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from seqgen import registry
from seqgen.codecs import Codec, sparse
from seqgen.errors import DataError, UsageError
from seqgen.tokenization.reading import Reader, looks_binary
from seqgen.tokenization.sources import Source, archive_error, is_archive


def guess_codec(sources: Sequence[Source]) -> tuple[str, str]:
    """(the codec for which most files have a suffix, or that its medium says suits them better; why, or "").

    Where no codec has such a suffix, `byte` for binary files and `char` for others.

    Raises:
        UsageError: Of two codecs that claim a suffix none has more files than the other.
    """
    codecs: dict[str, type[Codec]] = registry.usable("codecs")
    counts = Counter(source.suffix for source in sources)
    votes = {name: sum(counts[suffix] for suffix in {*kind.suffixes}) for name, kind in codecs.items()}
    best = max(votes, key=lambda name: votes[name])  # of equals the first in the alphabet
    if votes[best]:
        kind = codecs[best]
        _refuse_rivals({name: codecs[name] for name in votes if votes[name] == votes[best]}, counts)
        name, reason = kind.suited(_opened(source for source in sources if source.suffix in kind.suffixes))
        return name or best, reason
    if len(sources) == 1 and is_archive(sources[0].path):
        raise archive_error(sources[0].path)
    return "byte" if looks_binary(sources[0]) else "char", ""


def _refuse_rivals(equals: Mapping[str, type[Codec]], counts: Mapping[str, int]) -> None:
    """Raise UsageError if two of the codecs with equally many files claim the same of them."""
    for (one, first), (other, second) in combinations(equals.items(), 2):
        if common := sorted({*first.suffixes} & {*second.suffixes} & {*counts}):
            said = f"{' and '.join(common)} files are for codec {one} and for codec {other} alike"
            raise UsageError(said, f"name one of them: -c {one}, or -c {other}")


def _opened(sources: Iterable[Source]) -> Iterator[bytes]:
    """The beginnings of some files, evenly chosen, as far as they can be read."""
    for source in sparse(sources):
        with contextlib.suppress(DataError, StopIteration):
            yield next(iter(Reader(source)))
