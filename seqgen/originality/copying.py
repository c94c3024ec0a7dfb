"""`--max-copy N`: while sampling, refuse the token that would make a verbatim run of more than N tokens."""

from dataclasses import dataclass, field
from typing import NamedTuple

from seqgen.originality.index import Index
from seqgen.settings import require

PROBED = 8  # the least N for which a second search pays
REMEMBERED = 1 << 12  # patterns whose followers are kept in memory


class Tail(NamedTuple):
    """What is known of a stream.

    Attributes:
        pattern: Its latest tokens, N at most, as bytes.
        bound: The run that ends here has no more tokens than that; at N it is known to have N.
        slot: At N, where the pattern stands first in the index.
    """

    pattern: bytes
    bound: int
    slot: int = -1


START = Tail(b"", 0)


@dataclass(frozen=True, eq=False)
class MaxCopy:
    """A guard for `seqgen.generation.limits.Limits`: no run of the prompt and what follows it is longer than N.

    A run grows by one token at a time, so a stream whose run had ℓ tokens need not be looked at for another N − ℓ
    tokens. Then one search tells whether its last N tokens stand in the corpus; if not, a second one, for about three
    quarters of them, mostly tells that the next N/4 tokens need no search. What follows patterns that come again and
    again, as short ones do, is remembered. Where every token that is left would lengthen the run, the guard gives way.

    Attributes:
        index: The corpus.
        longest: N, at least 1.
    """

    index: Index
    longest: int
    _known: dict[bytes, list[int]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        require(self.longest >= 1, "max_copy", self.longest, "at least 1 token")

    def start(self) -> Tail:
        """Before the first token."""
        return START

    def step(self, state: Tail, token: int) -> Tail:
        """After one more token; a framing token ends every run."""
        index, longest = self.index, self.longest
        if token >= index.framing:
            return START
        pattern = (state.pattern + token.to_bytes(index.width, "big"))[-longest * index.width :]
        if state.bound + 1 < longest:
            return Tail(pattern, state.bound + 1)
        slot = index.find(pattern)
        return Tail(pattern, self._bound(pattern)) if slot is None else Tail(pattern, longest, slot)

    def refused(self, state: Tail) -> list[int]:
        """The tokens that go on with a run of N tokens as the corpus does."""
        if state.bound < self.longest:
            return []
        found = self._known.get(state.pattern)
        if found is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            found = self._known[state.pattern] = self.index.followers(state.pattern, state.slot)
        return found

    def _bound(self, pattern: bytes) -> int:
        """A bound of the run at the end of N tokens that do not stand in the corpus together."""
        probe = 3 * self.longest // 4
        if self.longest < PROBED or self.index.find(pattern[-probe * self.index.width :]) is not None:
            return self.longest - 1
        return probe - 1
