"""Which codec a user means who names none: by the suffixes of the files, and of one file by its start."""

from collections import Counter
from collections.abc import Sequence

from seqgen import registry
from seqgen.tokenization.reading import looks_binary
from seqgen.tokenization.sources import Source, archive_error, is_archive


def guess_codec(sources: Sequence[Source]) -> str:
    """The codec for which most files have a suffix; failing that, `byte` for binary files and `char` for others."""
    counts = Counter(source.suffix for source in sources)
    votes = {
        name: sum(counts[suffix] for suffix in registry.load("codecs", name).suffixes)
        for name in registry.names("codecs")
    }
    best = max(votes, key=lambda name: votes[name])  # of equals the first in the alphabet
    if votes[best]:
        return best
    if len(sources) == 1 and is_archive(sources[0].path):
        raise archive_error(sources[0].path)
    return "byte" if looks_binary(sources[0]) else "char"
