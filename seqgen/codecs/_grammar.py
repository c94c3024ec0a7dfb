"""What a codec may say of the order of its ids: which may follow which, and how passages are compared."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


class Grammar(Protocol):
    """Which tokens may follow, as a state machine over token ids.

    States are hashable values; `step` and `allowed` are pure functions of them.
    """

    def start(self) -> Any:
        """The state before the first token of a document."""
        ...

    def step(self, state: Any, token: int) -> Any:
        """The state after one more token. Takes any token, also one that was not allowed."""
        ...

    def allowed(self, state: Any) -> Mask:
        """(V,) True where a token may follow; at least one is, unless `may_end`."""
        ...

    def may_end(self, state: Any) -> bool:
        """Whether the document may end here."""
        ...


class LeaningGrammar(Grammar, Protocol):
    """One that would like a token here and there more than others that may follow, too."""

    def lean(self, state: Any) -> tuple[int, float] | None:
        """(the token, by how many nats it is to be likelier), or None; a pure function of the state."""
        ...


class EndingGrammar(Grammar, Protocol):
    """One whose documents end of themselves, within `longest` tokens, the prompt's included."""

    @property
    def longest(self) -> int: ...


class CopyKey(Protocol):
    """Ids as they are compared, where the same passage may have other ids, such as music in another key."""

    def ids(self, ids: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """((M,) what is left of (N,) ids, (N,) which of them are left)."""
        ...

    def step(self, last: int, token: int) -> tuple[int, int]:
        """(what to remember, what becomes of the token, or −1) after one more token; `last` is −1 at first."""
        ...

    def back(self, last: int, seen: int) -> int:
        """The token that would be seen so, or −1."""
        ...
