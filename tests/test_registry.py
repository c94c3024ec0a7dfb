"""The registry: folders name what there is."""

import sys

import pytest

from seqgen import registry
from seqgen.errors import UsageError
from seqgen.extensions import ExtensionWarning


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
    assert not line.startswith(f"{found.__name__}("), f"the class of the {registry.KINDS[kind]} {name} has no docstring"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("class Another(Rule): ...", "ImportError: seqgen.rules.draft_rule defines no class called DraftRule"),
        ("class DraftRule: ...", "TypeError: it is no finished class made from seqgen.rules.Rule"),
        ("class DraftRule(Rule): ...", "TypeError: it is no finished class made from seqgen.rules.Rule"),
        ("class DraftRule(Ruler): ...", "NameError: name 'Ruler' is not defined"),
        ("class DraftRule Rule", "SyntaxError: invalid syntax"),
    ],
)
def test_one_that_is_being_written_is_named_and_hides_no_other(monkeypatch, tmp_path, text, said):
    from seqgen import rules

    (tmp_path / "draft_rule.py").write_text(f"from seqgen.rules import Rule\n\n{text}\n")
    monkeypatch.setattr(rules, "__path__", [*rules.__path__, str(tmp_path)])
    for of_all in ("own", "names"):
        monkeypatch.setattr(registry, of_all, lambda kind: ("draft_rule", "top_k"))
    monkeypatch.setattr(registry, "load", registry.load.__wrapped__)
    monkeypatch.delitem(sys.modules, "seqgen.rules.draft_rule", raising=False)
    with pytest.raises(UsageError) as caught:
        registry.load("rules", "draft_rule")
    assert caught.value.message.startswith(f"the rule draft_rule cannot be used ({said}")
    assert caught.value.hint == "CONTRIBUTING.md says what a rule is made of"
    with pytest.warns(ExtensionWarning, match="the rule draft_rule cannot be used"):
        assert "top_k" in registry.usable.__wrapped__("rules")
    sys.modules.pop("seqgen.rules.draft_rule", None)
    vars(rules).pop("draft_rule", None)


def test_an_unknown_name_is_refused_and_the_nearest_named():
    with pytest.raises(UsageError) as caught:
        registry.load("cells", "lsmt")
    said = str(caught.value)
    assert said.startswith("no cell is called 'lsmt'\nHint: did you mean 'lstm'? there are: ")
    assert said.endswith(", ".join(registry.names("cells")))
