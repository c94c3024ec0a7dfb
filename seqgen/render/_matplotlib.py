"""matplotlib without anybody's settings: the same picture in every folder and on every machine.

matplotlib reads a file `matplotlibrc` when it is imported, that of the current folder before any other. One that came
with a corpus could start LaTeX, stop the import, or change the picture. The user's own in their home would make other
pictures than the next machine has, so it does not count either. No other module imports matplotlib.
"""

import contextlib
import os.path
from collections.abc import Iterator
from typing import Any

__all__ = ["Axes", "Figure", "FigureCanvasAgg", "Patch", "PolyCollection", "drawing", "hsv_to_rgb", "to_rgb"]


@contextlib.contextmanager
def _hidden(name: str) -> Iterator[None]:
    """A file of this name in the current folder is not seen by the body.

    matplotlib has no setting for this; to change the current folder would disturb other threads.
    """
    exists = os.path.exists
    os.path.exists = lambda path: path != name and exists(path)
    try:
        yield
    finally:
        os.path.exists = exists


with _hidden("matplotlibrc"):
    import matplotlib as mpl
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import hsv_to_rgb, to_rgb
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch


@contextlib.contextmanager
def drawing(style: dict[Any, Any]) -> Iterator[None]:
    """The body draws with matplotlib's own defaults and `style`, whatever is set outside."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(style)
        yield
