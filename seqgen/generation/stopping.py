"""Stop strings: a stream of text ends where one of them is complete, wherever tokens begin and end."""

from collections.abc import Sequence


class StopStrings:
    """A `stop` function for `generate`, with a memory of a few bytes a stream.

    Args:
        token_bytes: (V,) the bytes of each token.
        stops: The strings that end a stream, none empty.

    Attributes:
        excess: Stream index → how many bytes of the last token lie behind the stop string.
    """

    def __init__(self, token_bytes: Sequence[bytes], stops: Sequence[bytes]) -> None:
        self.token_bytes, self.stops = token_bytes, stops
        self.excess: dict[int, int] = {}
        self._kept = max(map(len, stops)) - 1
        self._tails: dict[int, bytes] = {}

    def __call__(self, stream: int, token: int) -> bool:
        """Whether `token` completes a stop string in its stream."""
        text = self._tails.get(stream, b"") + self.token_bytes[token]
        ends = [text.index(stop) + len(stop) for stop in self.stops if stop in text]
        if ends:
            self.excess[stream] = len(text) - min(ends)
        self._tails[stream] = text[-self._kept :] if self._kept else b""
        return bool(ends)
