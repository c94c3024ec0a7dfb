"""What an item of a list may hold: something, and nothing that would part it in two where items are read again."""

from collections.abc import Sequence

from seqgen.generation.limits import Guard

LINE = b"\n"


def guards(mark: bytes | None, inline: bool, pieces: Sequence[bytes] | None, document_id: int) -> list[Guard]:
    """What keeps items whole, see `seqgen.generation.limits.Guard`.

    Args:
        mark: What stands between items, nothing for a blank line; None: a line end, which is refused by itself.
        inline: Whether the mark is one anywhere, and not on a line of its own alone.
        pieces: (V,) the bytes of each token; None: tokens are no text.
        document_id: Ends an item; ids from it on frame one.
    """
    found: list[Guard] = [NotEmpty(pieces, document_id)]
    if pieces and mark is not None:
        found.append(Anywhere(mark, pieces) if inline else OnLines(mark.strip(), pieces, document_id))
    return found


class NotEmpty:
    """Refuses the end of an item that holds nothing but spaces: no line of a list is empty.

    Args:
        pieces: (V,) the bytes of each token; None: tokens are no text.
        document_id: Ends an item; ids from it on frame one.
    """

    def __init__(self, pieces: Sequence[bytes] | None, document_id: int) -> None:
        self.document_id = document_id
        self.blank = frozenset(token for token, piece in enumerate(pieces or []) if not piece.strip())

    def start(self) -> bool:
        """Whether the item holds anything yet."""
        return False

    def step(self, state: bool, token: int) -> bool:
        """The state after one more token."""
        return (token < self.document_id and token not in self.blank) or (state and token != self.document_id)

    def refused(self, state: bool) -> tuple[int, ...]:
        """The end, of an empty one."""
        return () if state else (self.document_id,)


class OnLines:
    """Refuses a line that would part an item: a blank one, or a mark. A state is what the present line holds of one.

    Args:
        mark: What parts items on a line of its own; nothing: a blank line does.
        pieces: (V,) the bytes of each token.
        document_id: Ends an item.
    """

    def __init__(self, mark: bytes, pieces: Sequence[bytes], document_id: int) -> None:
        self.mark, self.pieces, self.document_id = mark, pieces, document_id
        self.breaking = [token for token, piece in enumerate(pieces[:document_id]) if LINE in piece]
        self._refused: dict[bytes | None, tuple[int, ...]] = {}

    def start(self) -> bytes | None:
        """Nothing of a line yet."""
        return b""

    def step(self, state: bytes | None, token: int) -> bytes | None:
        """The state after one more token; None: the line is an ordinary one."""
        if token == self.document_id:
            return b""
        return state if token > self.document_id else self._read(state, self.pieces[token])[0]

    def refused(self, state: bytes | None) -> tuple[int, ...]:
        """Tokens that end a line which parts items; the end of the item, on a mark."""
        if state not in self._refused:
            ends = (self.document_id,) if self.mark and state == self.mark else ()
            parting = [token for token in self.breaking if self._read(state, self.pieces[token])[1]]
            self._refused[state] = (*parting, *ends)
        return self._refused[state]

    def _read(self, state: bytes | None, piece: bytes) -> tuple[bytes | None, bool]:
        """(the state after some bytes, whether a line among them parts items)."""
        first, *more = piece.split(LINE)
        line, parted = self._on(state, first), False
        for each in more:
            parted |= line == self.mark
            line = self._on(b"", each)
        return line, parted

    def _on(self, line: bytes | None, more: bytes) -> bytes | None:
        """A line that goes on."""
        if line is None or not more:
            return line
        whole = (line + more).lstrip()
        if whole.rstrip() == self.mark:
            return self.mark
        return whole if self.mark.startswith(whole) else None


class Anywhere:
    """Refuses a mark that parts items wherever it stands. A state is the end of the text that may become one.

    Args:
        mark: It.
        pieces: (V,) the bytes of each token.
    """

    def __init__(self, mark: bytes, pieces: Sequence[bytes]) -> None:
        self.mark, self.pieces = mark, pieces
        self._refused: dict[bytes, tuple[int, ...]] = {}

    def start(self) -> bytes:
        """Nothing of a mark yet."""
        return b""

    def step(self, state: bytes, token: int) -> bytes:
        """The state after one more token."""
        text = state + (self.pieces[token] if token < len(self.pieces) else b"")
        begins = range(max(0, len(text) - len(self.mark) + 1), len(text))
        return next((text[begin:] for begin in begins if self.mark.startswith(text[begin:])), b"")

    def refused(self, state: bytes) -> tuple[int, ...]:
        """Tokens that make the mark whole."""
        if state not in self._refused:
            self._refused[state] = tuple(
                token for token, piece in enumerate(self.pieces) if piece and self.mark in state + piece
            )
        return self._refused[state]
