"""Lists of names with their frequencies, as the US Census Bureau writes them: a list of the names alone, one a line.

SMITH          1.006  1.006      1        →   Smith
"""

from collections.abc import Iterable, Iterator


def files(members: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """One text file a member, in the order of the member: the most frequent first."""
    for name, data in members:
        names = (line.split()[0].decode("ascii").title() for line in data.splitlines() if line.strip())
        yield name.replace(".", "-") + ".txt", "".join(f"{each}\n" for each in names).encode("ascii")
