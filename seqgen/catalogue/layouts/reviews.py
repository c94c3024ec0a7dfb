"""Rated sentences as a table: id, mean rating from -4 to 4, and text, apart by tabs; the sign of the rating is a label.

1 <TAB> 2.27 <TAB> A fine film.      →   rating,sentiment,text
                                         2.27,positive,A fine film.
"""

import csv
import io
from collections.abc import Iterable, Iterator


def files(members: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """One CSV file a member, in the order of the member."""
    for name, data in members:
        out = io.StringIO()
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(("rating", "sentiment", "text"))
        for line in data.decode("utf-8", "replace").splitlines():
            _, rating, text = line.split("\t", 2)
            value = float(rating)
            label = "positive" if value > 0 else "negative" if value < 0 else "neutral"
            rows.writerow((f"{value:.4g}", label, " ".join(text.split())))
        yield name.rpartition("/")[2].rpartition(".")[0] + ".csv", out.getvalue().encode("utf-8")
