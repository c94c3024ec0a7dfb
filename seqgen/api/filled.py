"""Holes filled from Python: two texts, or a piece and what is to be made of it, to a finished sample."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seqgen.api.filling import Hole, text_filling
from seqgen.api.filling_music import bar_filling, parts_filling, seconds_filling
from seqgen.api.finishing import finished
from seqgen.api.primer import Prompt
from seqgen.api.sample import Sample
from seqgen.api.sampling import UNLIMITED, Sampling
from seqgen.errors import UsageError

if TYPE_CHECKING:
    from seqgen.api.filling import Filling
    from seqgen.api.model import Model


def filled(
    model: "Model",
    before: Prompt,
    after: str | bytes,
    bars: tuple[int, int] | None,
    seconds: tuple[float, float] | None,
    free: bool,
    label: str | None,
    sampling: Sampling,
) -> Sample:
    """See `Model.fill`."""
    length = _length(sampling)
    if model.is_text:
        if bars is not None or seconds is not None:
            what = "bars are" if seconds is None else "seconds are"
            hint = "give what stands before and behind the hole"
            raise UsageError(f"{what} of music, this model makes text", hint)
        right = after.encode("utf-8", "surrogateescape") if isinstance(after, str) else after
        hole = Hole(model.read(before), right)
        return _sampled(model, text_filling(model, hole, label, sampling.grammar, length, alone=False), sampling)
    if after or (bars is None) == (seconds is None):
        hint = "such as model.fill('piece.mid', bars=(5, 8)), or seconds=(12.5, 20)"
        raise UsageError("a piece has bars that are filled, or seconds", hint)
    if seconds is not None:
        if not 0 <= seconds[0] < seconds[1] < 1e9:
            raise UsageError(f"seconds are {seconds}, expected where to begin and where to end", "as in (12.5, 20)")
        return _sampled(model, seconds_filling(model, model.read(before), seconds, label, length, free), sampling)
    assert bars is not None
    _check_bars(bars)
    return _sampled(model, bar_filling(model, model.read(before), bars, label, length, free=free), sampling)


def accompanied(
    model: "Model",
    score: Prompt,
    parts: Sequence[str] | str,
    bars: tuple[int, int] | None,
    free: bool,
    label: str | None,
    sampling: Sampling,
) -> Sample:
    """See `Model.accompany`."""
    _length(sampling)
    if bars is not None:
        _check_bars(bars)
    names = [parts] if isinstance(parts, str) else list(parts)
    return _sampled(model, parts_filling(model, model.read(score), names, bars, label, free), sampling)


def _length(sampling: Sampling) -> int | None:
    if sampling.length == UNLIMITED:
        raise UsageError("a hole of length inf is never filled", "give a number of tokens")
    return None if sampling.length is None else int(sampling.length)


def _check_bars(bars: tuple[int, int]) -> None:
    if not 1 <= bars[0] <= bars[1]:
        raise UsageError(f"bars are {bars}, expected the first and the last one", "such as bars=(5, 8)")


def _sampled(model: "Model", filling: "Filling", sampling: Sampling) -> Sample:
    return finished(model.sampler(sampling, [filling.prompt], filling))
