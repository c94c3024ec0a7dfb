"""The registry: folders name what there is."""

import pytest

from seqgen import registry
from seqgen.errors import UsageError


def test_names_are_the_public_modules_of_a_folder():
    assert {"gru", "lstm", "mingru", "minlstm", "rg_lru", "rnn"} <= set(registry.own("cells"))
    assert {"byte", "char", "subword", "c_source", "midi"} <= set(registry.names("codecs"))
    assert {"temperature", "top_k", "top_p", "min_p"} <= set(registry.names("rules"))


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in registry.KINDS for name in registry.own(kind)])
def test_every_variant_loads_and_says_what_it_is(kind, name):
    found = registry.load(kind, name)
    assert found.__name__.lower() == name.replace("_", "")
    line = found.__doc__.strip().partition("\n")[0]
    assert 10 < len(line) < 120, f"{name}: {line!r}"


def test_an_unknown_name_is_refused_and_the_nearest_named():
    with pytest.raises(UsageError) as caught:
        registry.load("cells", "lsmt")
    said = str(caught.value)
    assert said.startswith("no cell is called 'lsmt'\nHint: did you mean 'lstm'? there are: ")
    assert said.endswith(", ".join(registry.names("cells")))
