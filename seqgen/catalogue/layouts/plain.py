"""Members as they are."""

from collections.abc import Iterable, Iterator


def files(members: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """Each member is a file."""
    yield from members
