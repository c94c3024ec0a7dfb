"""`--max-copy N`: while sampling, refuse the token that would make a verbatim run of more than N tokens."""

from bisect import bisect_left
from dataclasses import dataclass
from typing import NamedTuple

from seqgen.originality.index import Index
from seqgen.settings import require


class Tail(NamedTuple):
    """What is known of a stream.

    Attributes:
        pattern: Its latest tokens, N at most, as bytes.
        bound: The run that ends here has no more tokens than that; at N it is known to have N.
    """

    pattern: bytes
    bound: int


START = Tail(b"", 0)


@dataclass(frozen=True, eq=False)
class MaxCopy:
    """A guard for `seqgen.generation.limits.Limits`: no run of the prompt and what follows it is longer than N.

    A run grows by one token at a time, so a stream whose run had ℓ tokens need not be looked at for another N − ℓ
    tokens. Then one search tells whether its last N tokens stand in the corpus; if not, a few more tell how many do.
    Where every token that is left would lengthen the run, the guard gives way.

    Attributes:
        index: The corpus.
        longest: N, at least 1.
    """

    index: Index
    longest: int

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
        return Tail(pattern, longest if index.occurs(pattern) else self._run(pattern))

    def refused(self, state: Tail) -> list[int]:
        """The tokens that go on with a run of N tokens as the corpus does."""
        return self.index.followers(state.pattern) if state.bound == self.longest else []

    def _run(self, pattern: bytes) -> int:
        """How many of the last tokens stand in the corpus together; fewer than N."""
        size = len(pattern)

        def absent(tokens: int) -> bool:
            return not self.index.occurs(pattern[size - tokens * self.index.width :])

        return bisect_left(range(1, self.longest), True, key=absent)
