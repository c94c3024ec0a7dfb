"""What `ban` and `bias` are about, in the words of a vocabulary: a text however it is cut into tokens, or a class."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.errors import SettingError
from seqgen.registry import nearest
from seqgen.rules._rule import History, Logits, Mask, Rule, Scope, unless_empty
from seqgen.settings import require

MOST_BYTES = 256


@dataclass(frozen=True, eq=False)
class Target:
    """The tokens that would complete a text, given what stands before; or always the same tokens.

    Attributes:
        text: What must not, or should, come about; empty where the tokens do not depend on what stands before.
        masks: (length of the text or 1, V) True for each token that completes it where as many of its bytes as the
            row's number have been said.
        token_bytes: (V,) the bytes of each token.
    """

    text: bytes
    masks: Mask
    token_bytes: tuple[bytes, ...] = ()

    @property
    def window(self) -> int:
        """How many tokens before the next one matter. Each spells a byte at least; framing stands in front only."""
        return len(self.masks) - 1

    @cached_property
    def reached(self) -> list[bool]:
        """Which rows have any token."""
        return [bool(row.any()) for row in self.masks]

    def row(self, past: NDArray[Any]) -> int:
        """Which of the masks holds after (n,) tokens, −1 standing for none."""
        if not self.window:
            return 0
        latest = past[max(0, len(past) - self.window) :].tolist()
        said = b"".join(self.token_bytes[token] for token in latest if token >= 0)
        return next(size for size in range(self.window, -1, -1) if said.endswith(self.text[:size]))


def target(what: str, scope: Scope) -> Target:
    """What `what` stands for: where tokens spell text, that text; else a class of tokens, or a token's name.

    Raises:
        SettingError: The text is longer than 256 bytes, or there is no such class or token.
    """
    if scope.token_bytes is not None or not what:
        text = what.encode("utf-8", "surrogateescape")
        require(len(text) <= MOST_BYTES, "the text", f"of {len(text)} bytes", f"at most {MOST_BYTES}")
        return _spelled(text, tuple(scope.token_bytes or [b""] * len(scope.names)))
    if what in scope.classes:
        return Target(b"", scope.classes[what][None])
    named = np.array([name == what for name in scope.names], np.bool_)
    if named.any():
        return Target(b"", named[None])
    raise SettingError(f"no token and no class of tokens is called {what!r}", nearest(what, sorted(scope.classes)))


def _spelled(text: bytes, token_bytes: tuple[bytes, ...]) -> Target:
    """With k bytes of a text said, a token completes it if those and its own bytes hold the text."""
    rows = [[text in text[:size] + token for token in token_bytes] for size in range(len(text))]
    return Target(text, np.array(rows or [[False] * len(token_bytes)], np.bool_), token_bytes)


@dataclass(frozen=True, eq=False)
class Aimed(Rule):
    """A ban or a bias that is bound to a vocabulary.

    Attributes:
        target: The tokens.
        nats: What is added to their logits; −inf bans them, unless nothing else is left.
    """

    target: Target
    nats: float

    @property
    def window(self) -> int:  # type: ignore[override]
        """That of the target."""
        return self.target.window

    def __call__(self, logits: Logits, history: History) -> Logits:
        target = self.target
        rows = [target.row(past) for past in history]
        if not any(target.reached[row] for row in rows):
            return logits
        added = np.where(target.masks[rows], np.float32(self.nats), np.float32(0))
        return unless_empty(logits + added, logits)
