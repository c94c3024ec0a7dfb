"""Layouts: how the members of an archive become plain files. One module each, with one function:

    files(members: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]

Names are relative paths with "/". A layout is found by its module's name and knows nothing of where members come from.
"""
