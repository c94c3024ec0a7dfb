"""The engine of one call: the model's own, as it has learned, with cells held, mixed with counts."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seqgen.api.engines import make_engine
from seqgen.errors import UsageError
from seqgen.generation import Engine

if TYPE_CHECKING:
    from seqgen.api.adapting import Adapting
    from seqgen.api.model import Model

Held = Mapping[str, float]  # cells by name


def held_of(clamp: Sequence[str], gain: Sequence[str]) -> tuple[Held, Held]:
    """Cells by name, of texts such as "layer1:cell317=0.9".

    Raises:
        UsageError: One is not written so.
    """
    if not clamp and not gain:
        return {}, {}
    from seqgen.inside.naming import read_value

    both = [[read_value(text, what) for text in texts] for what, texts in (("clamp", clamp), ("gain", gain))]
    for found in both:
        names = [name for name, _ in found]
        for name in names:
            if names.count(name) > 1:
                raise UsageError(f"{name} is named twice", "hold a cell once, or give it one gain")
    first, second = ({str(name): value for name, value in found} for found in both)
    return first, second


def watched(model: "Model", engine: Engine[Any], watch: Sequence[str], seen: list[float]) -> Engine[Any]:
    """An engine whose cells of these names are shown in `seen` after every token.

    Raises:
        UsageError: There is no such cell, or it cannot be watched.
    """
    if not watch:
        return engine
    if model.mixture is not None:
        raise UsageError("cells of a mixture cannot be watched", "leave --mix and --blend out")
    from seqgen.generation.engines.watching import WatchingEngine
    from seqgen.inside.naming import read_name, require_there

    names, settings = [read_name(name) for name in watch], model.checkpoint.settings
    require_there(names, settings.layers, settings.hidden)
    return WatchingEngine(engine, [(name.layer - 1, name.cell - 1) for name in names], seen)


def engine_of(
    model: "Model",
    adapting: "Adapting | None",
    memory: bool,
    clamp: Held,
    gain: Held,
    watch: Sequence[str],
    seen: list[float],
) -> Engine[Any]:
    """What runs the network.

    Args:
        model: The model, which is left as it is.
        adapting: What has learned from the prompt, if anything has.
        memory: Whether counts are mixed in, where it has them.
        clamp: Cells that are held, and at what.
        gain: Cells that are heard louder or softer, and by how much.
        watch, seen: As in `watched`.

    Raises:
        UsageError: There is no such cell, or it cannot be held.
    """
    if not clamp and not gain:
        engine = model.engine if adapting is None else adapting.engine()
        return _mixed(model, watched(model, engine, watch, seen), memory)
    if model.mixture is not None:
        raise UsageError("cells of a mixture cannot be held", "leave --mix and --blend out")
    from seqgen.inside.holding import held
    from seqgen.inside.naming import read_name

    before = model.checkpoint if adapting is None else adapting.checkpoint()
    holds = [[(read_name(name), value) for name, value in each.items()] for each in (clamp, gain)]
    engine = make_engine(held(before, *holds), *model.kind)
    return _mixed(model, watched(model, engine, watch, seen), memory)


def _mixed(model: "Model", engine: Engine[Any], memory: bool) -> Engine[Any]:
    experts = model.checkpoint.experts
    if experts is None or model.mixture is not None or not memory:
        return engine
    from seqgen.generation.engines.experts import ExpertsEngine

    return ExpertsEngine(engine, experts)
